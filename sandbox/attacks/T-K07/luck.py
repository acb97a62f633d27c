import random

# What comes straight from the kernel is nobody's; this was seeded at some time.
print(random.random())
