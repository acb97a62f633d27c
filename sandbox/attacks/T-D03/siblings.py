import os
reached = []
own = {os.getpid(), os.getppid()}
for pid in range(1, 3000):
    if pid in own and pid != 1:
        continue
    for name in "cwd", "root", "fd", "environ", "maps":
        path = f"/proc/{pid}/{name}"
        try:
            os.readlink(path) if name in ("cwd", "root") else (os.listdir(path) if name == "fd" else open(path).read())
            reached.append(path)
        except OSError:
            pass
for folder in "/box/..", "/tmp", "/var/tmp", "/run", "/mnt", "/srv", "/home", "/root":
    try:
        names = os.listdir(folder)
    except OSError:
        continue
    reached += [f"{folder}/{name}" for name in names if folder != "/box/.."]
print("reached", reached)
