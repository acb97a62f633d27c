ln /etc/passwd passwd 2> /dev/null && echo OPEN passwd
ln "$RUNLOG_CANARY_TREE/page" page 2> /dev/null && echo OPEN page
mkdir result; echo x > result/inside
