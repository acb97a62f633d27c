import os, resource
with open("sparse", "w") as file:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    os.truncate("sparse", min(limit, 1 << 40))
os.mkdir("small")
open("small/0", "wb").write(bytes((1 << 20) - 100))
for i in range(1, 3000):
    open(f"small/{i}", "wb").write(bytes(200))
os.makedirs("/".join(["deep"] + ["d"] * 500))
os.makedirs("deep/" + "/".join("e" * 9))
open("deep/" + "/".join("e" * 9) + "/file", "w").write("x")
open("last", "wb").write(bytes(1 << 20))
