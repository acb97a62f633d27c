import os, sys
from multiprocessing import shared_memory
try:
    from multiprocessing import resource_tracker
    resource_tracker.register = lambda *args: None
except ImportError:
    pass
shared_memory.SharedMemory(create=True, size=1 << 20, name="runlog-attack-shm")
for place in "/tmp", "/dev/shm", "/box":
    open(place + "/runlog-attack-left", "x").write("x" * 1000)
sys.stdout.write("left\n")
sys.stdout.flush()
os._exit(0)
