try:
    bytearray(1 << 60)
except MemoryError:
    print("x")
