import fcntl, os, pty, signal, struct, sys, termios

binary, program, *steps = sys.argv[1:]


def size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


ready, go = os.pipe()
pid, fd = pty.fork()
if pid == 0:
    os.read(ready, 1)
    os.execv(binary, [binary, "run", program])
size(fd, 80, 24)
os.write(go, b"x")

screen = b""
seen = 0
while True:
    while steps and (at := screen.find(steps[0].encode(), seen)) >= 0:
        seen = at + len(steps[0])
        step = steps[1]
        del steps[:2]
        if step.startswith("!"):
            size(fd, *map(int, step[1:].split("x")))
            os.kill(pid, signal.SIGWINCH)
        else:
            os.write(fd, step.encode())
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    screen += data

sys.stdout.buffer.write(screen)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
