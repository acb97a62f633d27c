#include <unistd.h>
int main() { static const char data[] = "\0a\r\nb\r\rdata: x\n\nevent: end\nid: 7\n\n"; return write(1, data, sizeof data) != sizeof data; }
