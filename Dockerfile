# Two images from one build: `service` holds the program alone, `worker` the toolchains as well.
# docker-compose.yml builds both.

FROM rust:1.95-trixie AS toolchains
WORKDIR /opt/runlog
COPY scripts scripts
COPY languages languages
RUN scripts/setup --toolchains && rm -rf /var/lib/apt/lists/*

FROM toolchains AS build
COPY . .
RUN scripts/setup --toolchains \
    && if [ -f web/package.json ]; then npm --prefix web run build; fi \
    && cargo build --release --locked --package runlog \
    && install target/release/runlog /usr/local/bin/runlog \
    && install -D target/release/deps/librunlog_sandbox.so /usr/local/lib/librunlog_sandbox.so \
    && rm -rf target

FROM debian:trixie-slim AS service
RUN useradd --system --no-create-home runlog
COPY --from=build /usr/local/bin/runlog /usr/local/bin/runlog
USER runlog
ENTRYPOINT ["runlog"]

# Runs as root: it makes the sandboxes. What runs in them is nobody's, see docs/ARCHITECTURE.md.
FROM toolchains AS worker
COPY --from=build /usr/local/bin/runlog /usr/local/bin/runlog
COPY --from=build /usr/local/lib/librunlog_sandbox.so /usr/local/lib/librunlog_sandbox.so
ENV RUNLOG_TOOLS=/opt/runlog/.runlog/tools
ENTRYPOINT ["runlog"]
CMD ["worker"]
