import errno
try:
    with open("lines", "w") as file:
        for _ in range(1 << 14):
            file.write("a line\n" * (1 << 10))
except OSError as error:
    print(errno.errorcode[error.errno])
