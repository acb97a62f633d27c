import re
lines = open("/proc/net/dev").read().splitlines()[2:]
print("interfaces", [line.split(":")[0].strip() for line in lines])
print("routes", len(open("/proc/net/route").read().splitlines()) - 1)
print("neighbours", len(open("/proc/net/arp").read().splitlines()) - 1)
# Source, device and the path inside the source's file system are the host's to know.
known = {"/", "/box", "/tmp", "/shm", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/null", "/mnt"}
paths = []
for line in open("/proc/self/mountinfo"):
    root, place = line.split()[3:5]
    if root not in known and not place.startswith("/proc"):
        paths.append(root)
print("host paths", [path for path in paths if path.startswith(("/work", "/root", "/home", "/tmp", "/opt", "/var"))])
