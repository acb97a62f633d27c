ln -s /etc/passwd passwd
ln -s /proc/self/environ environ
ln -s ../../etc/shadow up
ln -s "$RUNLOG_CANARY_FILE" far
ln -s loop loop
echo real > real
ln -s real chain0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39; do ln -s chain$((i - 1)) chain$i; done
ln -s chain39 chain
