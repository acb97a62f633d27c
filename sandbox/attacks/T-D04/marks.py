import os
found = []
for place in ".", "/tmp", "/dev/shm", "/run/lock", "/dev", "/opt", "/mnt":
    path = place + "/runlog-attack-mark"
    if os.path.lexists(path):
        found.append(path)
    try:
        open(path, "w").write("mark")
    except OSError:
        pass
print("found", found)
