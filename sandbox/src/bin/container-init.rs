//! A container's init as a program of its own, for this crate's tests and benches; the `runlog`
//! program has it as a hidden command.

fn main() -> std::process::ExitCode {
    runlog_sandbox::docker::container_init_main()
}
