#include <unistd.h>
int main() { dup2(1, 200); close(1); return write(200, "there", 5) != 5; }
