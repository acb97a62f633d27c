BEGIN {
    print "compiling as $<\n";
    for my $path ('/usr/bin/runlog-attack', '/etc/runlog-attack', '/runlog-attack') { print "OPEN $path\n" if open(my $file, '>', $path); }
    if (fork() == 0) { require POSIX; POSIX::setsid(); sleep 99; exit; }
}
