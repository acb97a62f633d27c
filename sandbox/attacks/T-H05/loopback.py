import os, socket
reached = []
own = int(os.environ["RUNLOG_CANARY_PORT"])
for port in own, 22, 80, 111, 2375, 2376, 4222, 5432, 6060, 6222, 8080, 8222, 9090, 9229:
    for host in "127.0.0.1", "::1", "0.0.0.0", "localhost", "127.0.0.2":
        try:
            socket.create_connection((host, port), 1).close()
            reached.append((host, port))
        except OSError:
            pass
print("reached", reached)
