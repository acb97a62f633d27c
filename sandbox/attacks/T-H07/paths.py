import os
places = ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock",
          "/var/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432", "/run/dbus/system_bus_socket", "/run/systemd/notify",
          "/run/systemd/private", "/dev/log", "/run/nats.sock", "/tmp/.X11-unix/X0", "/run/user", os.environ["RUNLOG_CANARY_FILE"]]
print("found", [place for place in places if os.path.lexists(place)])
