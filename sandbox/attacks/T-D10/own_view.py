import os
names = {line.split(":", 2)[2].strip() for line in open("/proc/self/cgroup")}
print("cgroup names", sorted(name for name in names if "cell" in name or "runlog" in name or "docker" in name))
print("host name", os.uname().nodename)
print("uids", [line.split()[0] for line in open("/proc/self/uid_map")])
