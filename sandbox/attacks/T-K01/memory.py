import os

# Written backwards, as whoever looks for a text has it in memory.
folder = os.path.dirname(os.environ["RUNLOG_CANARY_FILE"])
own = os.environ["RUNLOG_CANARY_TREE"][::-1]
wanted = {
    "a secret": b"-terces-golnur",
    "the worker's environment": b"=RID_TSEFINAM_OGRAC",
    "where the machine has the tree": b"eert/" + folder.encode()[::-1],
}
found = set()
size, overlap, read = 1 << 20, 256, 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps.read().splitlines():
        places, rights = line.split()[:2]
        if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            continue
        at, end = (int(place, 16) for place in places.split("-"))
        while at < end:
            try:
                memory.seek(at)
                part = memory.read(min(size, end - at))
            except OSError:
                break
            if not part:
                break
            read += len(part)
            part = part[::-1]
            found |= {name for name, text in wanted.items() if text in part}
            # Nothing of it is to be found a second time, in what was memory.
            at += len(part) - overlap if at + len(part) < end else len(part)
assert read > 1 << 20, read
for name in sorted(found):
    print("OPEN", name)
if not found:
    print("read it all, and found what is its own")
