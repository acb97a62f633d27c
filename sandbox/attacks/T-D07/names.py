import fcntl, os
for place in b"/box/", b"/tmp/", b"/dev/shm/":
    for name in b"a\nb", b"-rf", b"\xff\xfe", b"x" * 255, b"..x", b". .", b"\x1b]0;title\x07", b"%s%n", b"*", b"$(id)", "‮cod".encode():
        open(place + name, "w").write("x")
    os.makedirs(place + b"locked/in/in")
    os.chmod(place + b"locked/in", 0)
    os.chmod(place + b"locked", 0)
    fd = os.open(place + b"fixed", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.ioctl(fd, 0x40086602, b"\x10\0\0\0\0\0\0\0")
    except OSError:
        pass
    os.mkfifo(place + b"fifo")
    os.symlink(b"/etc/shadow", place + b"link")
os.chmod("/box", 0)
print("made")
