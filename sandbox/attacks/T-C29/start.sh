echo "start: $(id -u 2> /dev/null) $PWD"
