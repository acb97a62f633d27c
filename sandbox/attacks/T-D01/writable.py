import os, stat


def is_device(place):
    try:
        return stat.S_ISCHR(os.stat(place).st_mode)
    except OSError:
        return False


writable = set()
tree = os.environ.get("RUNLOG_CANARY_TREE", "/usr")
# Everybody may write to /dev/null, also where it covers something.
places = [place for place in (line.split()[4] for line in open("/proc/self/mountinfo")) if not is_device(place)]
for place in places + [tree, tree + "/open", "/usr/bin", "/usr/lib", "/etc"]:
    for attempt in [
        lambda: open(place + "/runlog-attack", "w"), lambda: os.mkdir(place + "/runlog-attack-d"),
        lambda: os.symlink("x", place + "/runlog-attack-l"), lambda: os.utime(place), lambda: os.chmod(place, 0o777),
        lambda: os.setxattr(place, "user.x", b"x"), lambda: open(place + "/file", "a"),
        lambda: os.rename(place + "/file", place + "/other"), lambda: os.link(place + "/file", place + "/third"),
        lambda: os.truncate(place + "/file", 0), lambda: os.unlink(place + "/file"),
    ]:
        try:
            attempt()
            writable.add(place)
        except OSError:
            pass
# The terminals' folder is the cell's own, and nothing stays there.
print(sorted(writable - {"/dev/pts"}))
