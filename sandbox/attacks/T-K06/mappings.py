import os

INSIDE = ("/usr/", "/lib/", "/lib64/", "/bin/", "[")
seen = set()
with open("/proc/self/maps") as maps:
    for line in maps.read().splitlines():
        fields = line.split(None, 5)
        rights, path = fields[1], fields[5] if len(fields) > 5 else ""
        if "s" in rights and "w" in rights:
            print("OPEN shared", line)
        # What is mounted no more has the bare root for a name.
        if path not in ("", "/") and not path.startswith(INSIDE):
            seen.add(path)
for path in sorted(seen):
    print("OPEN", path)
# What its siblings have in memory is no file that it could look at.
for path in ("/box/warm", "/box/warm/runlog_cells.so"):
    if os.path.exists(path):
        print("OPEN", path)
