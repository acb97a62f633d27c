import socket
sent = []
def attempt(name, *make, to=None, options=()):
    try:
        with socket.socket(*make) as s:
            for option in options:
                s.setsockopt(*option)
            s.settimeout(1)
            s.sendto(b"x" * 16, to)
            sent.append(name)
    except OSError:
        pass
U, D, R = socket.AF_INET, socket.SOCK_DGRAM, socket.SOCK_RAW
attempt("link-local", socket.AF_INET6, D, to=("fe80::1%lo", 9))
attempt("multicast6", socket.AF_INET6, D, to=("ff02::1%lo", 9), options=[(41, 17, 99)])
attempt("global6", socket.AF_INET6, D, to=("2606:4700:4700::1111", 53))
attempt("broadcast", U, D, to=("255.255.255.255", 9), options=[(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)])
attempt("multicast", U, D, to=("224.0.0.1", 9))
attempt("ping", U, D, socket.IPPROTO_ICMP, to=("8.8.8.8", 0))
attempt("raw", U, R, socket.IPPROTO_ICMP, to=("8.8.8.8", 0))
attempt("raw udp", U, R, 17, to=("8.8.8.8", 0))
attempt("packet", 17, R, 3, to=("lo", 0))
print("sent", sent)
