/* gcc prints the first line of what is no program: the cell's own files, nothing of the host's. */
#include "/etc/passwd"
#include "/etc/hostname"
#include "/proc/1/environ"
#include "/proc/1/cmdline"
#include "/proc/self/mountinfo"
int main() { return 0; }
