__asm__(".data\n.zero 1<<40\n");
int main() { return 0; }
