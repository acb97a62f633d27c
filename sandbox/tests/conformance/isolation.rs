//! A program sees and reaches nothing but its own cell.

use std::sync::Arc;

use runlog_sandbox::Cause;

use super::{Tested, cell, compiled, file, in_containers, python, run, run_in, sh, step};

pub(crate) async fn the_network_is_empty(engine: Tested) {
    let program = "import socket\n\
        for family, address in [\n\
        \x20   (socket.AF_INET, ('1.1.1.1', 443)), (socket.AF_INET, ('10.0.0.1', 53)),\n\
        \x20   (socket.AF_INET6, ('2606:4700:4700::1111', 443)),\n\
        \x20   (socket.AF_INET6, ('fe80::1', 80)),\n\
        ]:\n\
        \x20   for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:\n\
        \x20       with socket.socket(family, kind) as s:\n\
        \x20           s.settimeout(5)\n\
        \x20           try:\n\
        \x20               s.connect(address)\n\
        \x20               print('OPEN', address, kind)\n\
        \x20           except OSError as error: assert error.errno in (101, 22), (error, address)\n\
        try: print('OPEN', socket.getaddrinfo('example.com', 80))\n\
        except socket.gaierror: pass\n\
        print([line.split(':')[0].strip() for line in open('/proc/net/dev')][2:])";
    let ran = run(&engine, python(program)).await;
    assert_eq!(
        ran.text(),
        "['lo']\n",
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// A server of our own on the machine's loopback, which the cell's is not.
pub(crate) async fn the_machines_own_ports_are_not_there(engine: Tested) {
    let host = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = host.local_addr().expect("an address").port();
    let program = format!(
        "import socket\n\
         try: socket.create_connection(('127.0.0.1', {port}), 5); print('OPEN')\n\
         except ConnectionRefusedError: print('refused')"
    );
    assert_eq!(run(&engine, python(&program)).await.text(), "refused\n");
}

/// Programs that talk to themselves are common and hurt nobody.
pub(crate) async fn a_cells_own_loopback_works(engine: Tested) {
    let program = "import socket, threading\n\
        server = socket.create_server(('127.0.0.1', 0))\n\
        threading.Thread(target=lambda: server.accept()[0].sendall(b'hello')).start()\n\
        print(socket.create_connection(server.getsockname()).recv(5))\n\
        a, b = socket.socketpair()\n\
        a.send(b'x'); print(b.recv(1))";
    assert_eq!(
        run(&engine, python(program)).await.text(),
        "b'hello'\nb'x'\n"
    );
}

/// Abstract sockets have no path that a mount could hide.
pub(crate) async fn abstract_sockets_of_the_machine_are_not_there(engine: Tested) {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("runlog-canary-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a name");
    let _canary = std::os::unix::net::UnixListener::bind_addr(&address).expect("a socket");
    let program = format!(
        "import socket\n\
         try: socket.socket(socket.AF_UNIX).connect('\\0{name}'); print('OPEN')\n\
         except ConnectionRefusedError: print('refused')\n\
         print(open('/proc/net/unix').read().count('\\n'))"
    );
    assert_eq!(run(&engine, python(&program)).await.text(), "refused\n1\n");
}

/// A secret is planted where a look around would find it.
pub(crate) async fn the_machines_files_are_not_there(engine: Tested) {
    let planted = tempfile::Builder::new()
        .prefix("runlog-canary-")
        .tempdir_in("/tmp");
    let planted = planted.expect("a folder");
    let secret = planted.path().join("secret");
    std::fs::write(&secret, "canary").expect("a file");
    let own = if in_containers(&engine) {
        "[]"
    } else {
        "['/proc/1/environ', '/.dockerenv']"
    };
    let program = format!(
        "import os\n\
         for path in {own} + ['{}', '/root', '/home', '/var/lib', '/var/log', '/var/run/docker.sock', '/boot',\n\
         \x20         '/etc/shadow', '/etc/ssh', '/etc/machine-id', '/sys/fs', '/sys/kernel', '/dev/kmsg',\n\
         \x20         '/dev/mem', '/dev/vda', '/dev/sda', '/dev/kvm', '/dev/fuse', '/dev/net',\n\
         \x20         '/proc/kcore/x', '/mnt/x']:\n\
         \x20   if os.path.lexists(path): print('THERE', path)\n\
         for folder in ['/', '/tmp', '/var', '/run', '/opt', '/sys', '/mnt', '/dev/shm']:\n\
         \x20   print(folder, sorted(os.listdir(folder)))",
        secret.display()
    );
    let text = run(&engine, python(&program)).await.text();
    assert!(!text.contains("THERE"), "{text}");
    for empty in ["/tmp", "/run", "/opt", "/sys", "/mnt", "/dev/shm"] {
        assert!(text.contains(&format!("{empty} []\n")), "{text}");
    }
}

pub(crate) async fn secrets_of_proc_are_hidden(engine: Tested) {
    let program = "import os\n\
        for name in ['kallsyms', 'kcore', 'keys', 'timer_list', 'sched_debug', 'config.gz', 'cmdline',\n\
        \x20            'modules', 'key-users', 'partitions', 'iomem', 'vmallocinfo']:\n\
        \x20   try: content = open('/proc/' + name, 'rb').read(100)\n\
        \x20   except OSError: continue\n\
        \x20   if content: print('READ', name, content)\n\
        for path in ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/sys/vm/drop_caches',\n\
        \x20            '/proc/sys/kernel/hostname', '/proc/sys/net/ipv4/ip_forward', '/proc/self/oom_score_adj']:\n\
        \x20   try: open(path, 'w').write('-1000'); print('WROTE', path)\n\
        \x20   except OSError: pass\n\
        print(open('/proc/self/cgroup').read().count('cell'), 'docker' in open('/proc/self/mountinfo').read())";
    let text = run(&engine, python(program)).await.text();
    assert!(text.starts_with("0 "), "{text}");
}

pub(crate) async fn only_its_own_processes_are_there(engine: Tested) {
    let program = "import os\n\
        own = str(os.getpid())\n\
        print(sorted(pid for pid in os.listdir('/proc') if pid.isdigit() and pid != own))\n\
        reached = []\n\
        for pid in range(1, 5000):\n\
        \x20   if pid == os.getpid(): continue\n\
        \x20   try: os.kill(pid, 0); reached.append(pid)\n\
        \x20   except ProcessLookupError: pass\n\
        \x20   except PermissionError: reached.append(-pid)\n\
        print(reached)\n\
        for look in [lambda: open('/proc/1/environ').read(), lambda: open('/proc/1/mem', 'rb').read(1),\n\
        \x20            lambda: open('/proc/1/maps').read(), lambda: os.readlink('/proc/1/exe'),\n\
        \x20            lambda: os.listdir('/proc/1/root'), lambda: os.listdir('/proc/1/cwd'),\n\
        \x20            lambda: os.listdir('/proc/1/fd'), lambda: os.readlink('/proc/1/ns/net')]:\n\
        \x20   try: print('SEEN', look())\n\
        \x20   except OSError: pass";
    // Process 1 is the engine's: there, but not to be touched, and at best not to be seen.
    let seen = if in_containers(&engine) {
        "['1']"
    } else {
        "[]"
    };
    let text = run(&engine, python(program)).await.text();
    assert_eq!(text, format!("{seen}\n[-1]\n"));
}

pub(crate) async fn it_is_nobody_with_no_rights(engine: Tested) {
    let program = "import os\n\
        status = dict(line.strip().partition(':\\t')[::2] for line in open('/proc/self/status'))\n\
        print(*{*os.getresuid(), *os.getresgid(), *os.getgroups()})\n\
        print([status[cap] for cap in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')])\n\
        print(status['NoNewPrivs'], status['Seccomp'])\n\
        for call in [lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]), lambda: os.chroot('/'),\n\
        \x20            lambda: os.nice(-5), lambda: os.mknod('/tmp/d', 0o20666, os.makedev(1, 3)),\n\
        \x20            lambda: os.sethostname if hasattr(os, 'x') else os.chown('/box', 0, 0),\n\
        \x20            lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))]:\n\
        \x20   try: call(); print('OPEN')\n\
        \x20   except OSError: pass";
    let text = run(&engine, python(program)).await.text();
    let (id, rest) = text.split_once('\n').expect("a line");
    if in_containers(&engine) {
        let id: u32 = id.parse().expect("one id for all");
        assert!(id >= 1 << 28, "{id} is not ours");
    } else {
        assert_eq!(id, "1000");
    }
    let zeros = ["'0000000000000000'"; 5].join(", ");
    assert_eq!(rest, format!("[{zeros}]\n1 2\n"));
}

pub(crate) async fn nothing_outside_its_disk_is_writable(engine: Tested) {
    let program = "import os\n\
        writable = set()\n\
        for line in open('/proc/self/mountinfo'):\n\
        \x20   place = line.split()[4]\n\
        \x20   for attempt in [lambda: open(place + '/new', 'w'), lambda: os.mkdir(place + '/dir'),\n\
        \x20                   lambda: os.symlink('x', place + '/link'), lambda: os.utime(place),\n\
        \x20                   lambda: os.chmod(place, 0o777), lambda: os.setxattr(place, 'user.x', b'x')]:\n\
        \x20       try: attempt(); writable.add(place)\n\
        \x20       except OSError: pass\n\
        for folder, folders, files in os.walk('/'):\n\
        \x20   if folder.startswith(('/proc', '/usr/share', '/usr/lib', '/box', '/tmp', '/dev/shm')):\n\
        \x20       folders.clear(); continue\n\
        \x20   if os.access(folder, os.W_OK): writable.add(folder)\n\
        covered = {place for place in writable if os.stat(place).st_rdev == os.makedev(1, 3)}\n\
        print(sorted(writable - covered - {'/dev/pts'}))";
    let text = run(&engine, python(program)).await.text();
    assert_eq!(text, "['/box', '/dev/shm', '/tmp']\n");
}

/// Real calls against the real filter; what must be refused prints nothing.
pub(crate) async fn dangerous_system_calls_are_refused(engine: Tested) {
    let source = r#"
        #define _GNU_SOURCE
        #include <errno.h>
        #include <sched.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/ioctl.h>
        #include <sys/personality.h>
        #include <sys/socket.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <unistd.h>
        static void probe(const char *name, long result) {
            if (result >= 0) { printf("OPEN %s\n", name); fflush(stdout); }
        }
        int main() {
            long flags[] = {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000};
            for (int i = 0; i < 7; i++) {
                probe("unshare", unshare(flags[i]));
                long child = syscall(SYS_clone, flags[i] | 17, 0, 0, 0, 0);
                if (child == 0) _exit(0);
                probe("clone", child);
            }
            char args[88] = {0};
            probe("clone3", syscall(SYS_clone3, args, sizeof args));
            if (errno != ENOSYS) printf("clone3 %d\n", errno);
            probe("io_uring", syscall(SYS_io_uring_setup, 8, args));
            if (errno != ENOSYS) printf("io_uring %d\n", errno);
            for (int family = 0; family < 64; family++) {
                int fd = socket(family, SOCK_STREAM, 0), allowed = family == 1 || family == 2 || family == 10;
                if ((fd >= 0) != allowed) printf("socket %d\n", family);
                if (fd >= 0) close(fd);
                fd = socket(family, SOCK_RAW, 0);
                if (fd >= 0 && family != 1) printf("raw socket %d\n", family);
            }
            int refused[] = {SYS_ptrace, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl,
                SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_open_by_handle_at,
                SYS_name_to_handle_at, SYS_process_vm_readv, SYS_reboot, SYS_swapon, SYS_acct, SYS_syslog,
                SYS_sethostname, SYS_init_module, SYS_modify_ldt, SYS_iopl, SYS_settimeofday, SYS_fsopen,
                SYS_open_tree, SYS_mount_setattr, SYS_pidfd_getfd, SYS_memfd_secret, SYS_seccomp};
            for (int i = 0; i < sizeof refused / sizeof *refused; i++) {
                errno = 0;
                long result = syscall(refused[i], 0, 0, 0, 0, 0, 0);
                if (result != -1 || errno != EPERM) printf("call %d: %ld %d\n", refused[i], result, errno);
            }
            /* To be killed for it is refusal enough. */
            for (long nr = 0; nr < 600; nr++) {
                fflush(stdout);
                int status = 0;
                if (fork() == 0) _exit(syscall(nr | 0x40000000) != -1 || errno != ENOSYS);
                wait(&status);
                if (WEXITSTATUS(status)) printf("x32 %ld\n", nr);
                if (WIFSIGNALED(status) && WTERMSIG(status) != 31) printf("x32 %ld %d\n", nr, status);
            }
            int asked[] = {0x5412, 0x541C, 0x5423};
            for (int i = 0; i < 3; i++) {
                errno = 0;
                if (syscall(SYS_ioctl, 0, asked[i] | 1L << 32, "x") != -1 || errno != EPERM) printf("ioctl %d\n", i);
            }
            probe("personality", personality(0x0400000));
            puts("done");
        }"#;
    let mut cell = compiled(&engine, source).await;
    assert_eq!(
        run_in(&mut cell, step(&["./program"])).await.text(),
        "done\n"
    );
}

/// 32-bit calls have other numbers, which a filter of 64-bit numbers would misread.
pub(crate) async fn a_32_bit_call_kills(engine: Tested) {
    let source =
        "int main() { int r; __asm__ volatile(\"int $0x80\" : \"=a\"(r) : \"a\"(20)); return 0; }";
    let mut cell = compiled(&engine, source).await;
    let ran = run_in(&mut cell, step(&["./program"])).await;
    assert_eq!(ran.end.cause, Cause::Signaled { signal: 31 });
}

pub(crate) async fn setuid_programs_stay_as_they_are(engine: Tested) {
    let program = "import os, subprocess\n\
        found = [p for f in ('/usr/bin', '/usr/sbin') for p in map(lambda n: f + '/' + n, os.listdir(f))\n\
        \x20        if os.path.exists(p) and os.stat(p).st_mode & 0o6000]\n\
        print(len(found) > 0)\n\
        subprocess.run(['/usr/bin/cp', '/usr/bin/id', '/box/id']); os.chmod('/box/id', 0o6755)\n\
        print(int(subprocess.run(['/box/id', '-u'], capture_output=True).stdout) == os.getuid() > 0)";
    let text = run(&engine, python(program)).await.text();
    assert!(text.ends_with("True\n"), "{text}");
}

/// What one leaves in its places, another never finds; ipc objects have no place at all.
pub(crate) async fn one_cell_leaves_nothing_for_another(engine: Tested) {
    let leave = "for place in /box /tmp /dev/shm /var/tmp; do echo mark > $place/mark; done; \
        ipcmk -Q -S 1 -M 100 > /dev/null; ls /box /tmp /dev/shm";
    let look = "ls /box /tmp /dev/shm /var/tmp/; ipcs | grep -c 0x; true";
    let mut first = cell(&engine).await;
    assert!(run_in(&mut first, sh(leave)).await.text().contains("mark"));
    let beside = run(&engine, sh(look)).await.text();
    first.destroy().await.expect("a clean end");
    let after = run(&engine, sh(look)).await.text();
    assert_eq!(
        (beside.contains("mark"), beside.ends_with("0\n")),
        (false, true),
        "{beside}"
    );
    assert_eq!(beside, after);
}

/// Many at once, so that a descriptor of a neighbour had every chance to slip in.
pub(crate) async fn only_three_descriptors_are_open(engine: Tested) {
    let program = "import os\n\
        fds = []\n\
        for fd in range(4096):\n\
        \x20   try: fds.append((fd, os.readlink(f'/proc/self/fd/{fd}').split(':')[0]))\n\
        \x20   except OSError: pass\n\
        print(fds)";
    let runs = (0..64).map(|_| run(&engine, python(program)));
    for ran in futures_util::future::join_all(runs).await {
        assert_eq!(ran.text(), "[(0, 'pipe'), (1, 'pipe'), (2, 'pipe')]\n");
    }
}

/// Two cells at once under different uids, so that limits per user are not shared.
pub(crate) async fn files_of_the_engine_cannot_be_replaced(engine: Tested) {
    let mut cell = cell(&engine).await;
    cell.put_files(vec![file(
        "program.sh",
        "#!/bin/sh\n[ $(id -u) != 0 ] && echo nobody\nrm program.sh; ls\n",
    )])
    .await
    .expect("a file");
    let ran = run_in(&mut cell, sh("chmod +x program.sh && ./program.sh")).await;
    assert_eq!(ran.text(), "nobody\n");
    let program = "import os\n\
        for path in ['/proc/1/exe', '/proc/self/exe', '/bin/sh', '/etc/passwd', '/etc/ld.so.cache']:\n\
        \x20   try: os.open(path, os.O_WRONLY); print('OPEN', path)\n\
        \x20   except OSError: pass";
    assert_eq!(run_in(&mut cell, python(program)).await.text(), "");
    drop(Arc::clone(&engine));
}
