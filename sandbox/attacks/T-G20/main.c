#include "wait.h"
int main() { return 0; }
