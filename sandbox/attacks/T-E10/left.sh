(trap '' TERM HUP; sleep 100) & setsid sleep 100 & echo done
