import socket
resolved = []
for name in "example.com", "runlog-attack.example.org", "host.docker.internal", "nats", "postgres":
    try:
        resolved.append(socket.getaddrinfo(name, 80))
    except OSError:
        pass
question = bytes.fromhex("123401000001000000000000076578616d706c6503636f6d0000010001")
for server, port in ("127.0.0.11", 53), ("127.0.0.53", 53), ("8.8.8.8", 53), ("224.0.0.251", 5353):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        try:
            s.sendto(question, (server, port))
            resolved.append(s.recvfrom(512))
        except OSError:
            pass
print("resolved", resolved)
print("servers", [line for line in open("/etc/resolv.conf") if line.startswith("nameserver")])
