#include <unistd.h>
int main() { for (;;) if (write(1, "o", 1) != 1 || write(2, "e", 1) != 1) return 1; }
