import os, socket
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
try:
    os.mknod("device", 0o20666, os.makedev(1, 5))
except OSError:
    pass
open("plain", "w").write("x")
