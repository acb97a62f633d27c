#include "probe.h"
#include <termios.h>
int main() {
    struct termios raw;
    tcgetattr(0, &raw), cfmakeraw(&raw), tcsetattr(0, TCSANOW, &raw);
    fputs("\33]52;c;eA==\a\33]0;title\a\33]2;title\a\33]8;;javascript:alert(1)\33\\link\33]8;;\33\\", stdout);
    fputs("\33[c\33[>c\33[5n\33[6n\33P$q\"p\33\\\33[200~paste\33[201~\33[?1049h\33[?1000h\33[1000000000b", stdout);
    fputs("\33Pq", stdout);
    for (int i = 0; i < 100000; i++) fputs("#0;2;0;0", stdout);
    fputs("\33\\\n", stdout), fflush(stdout);
    struct pollfd input = {0, POLLIN, 0};
    char data[64];
    if (poll(&input, 1, 200) > 0 && read(0, data, sizeof data) > 0) puts("answered");
    return 0;
}
