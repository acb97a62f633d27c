import builtins
import ctypes
import os
import sys

MARK = "runlog-" + "poison"
clean = not hasattr(builtins, MARK) and not hasattr(sys, MARK) and MARK not in sys.modules
clean = clean and [5 + 2, len("ab"), str(None), os.sep] == [7, 2, "None", "/"]
clean = clean and not os.path.exists("/tmp/" + MARK)
print("a clean interpreter" if clean else "OPEN a sibling's interpreter")
setattr(builtins, MARK, 1)
setattr(sys, MARK, 1)
sys.modules[MARK] = sys
open("/tmp/" + MARK, "w").close()
for path in ("/usr/bin/python3", "/lib/x86_64-linux-gnu/libc.so.6", "/box/warm/runlog_cells.so", "/proc/self/exe"):
    try:
        os.open(path, os.O_RDWR)
        print("OPEN", path)
    except OSError:
        pass
sys.stdout.flush()
# A child that dies of what it does writes over all that a fork has got: code, constants, objects.
child = os.fork()
if not child:
    memory = os.open("/proc/self/mem", os.O_RDWR)
    with open("/proc/self/maps") as maps:
        places = [line.split()[0] for line in maps]
    for place in places:
        start, end = (int(part, 16) for part in place.split("-"))
        for at in range(start, end, 4096):
            try:
                os.pwrite(memory, b"\xcc" * 64, at + 64)
            except (OSError, OverflowError):
                break
    os._exit(0)
_, status = os.waitpid(child, 0)
# This one too, as far as it can live with that: a number that everybody uses.
ctypes.memset(id(7) + 24, 9, 1)
print("wrote over what is shared" if status and eval("3 + 4") else f"the child lived: {status}", flush=True)
os._exit(0)
