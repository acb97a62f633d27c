//! The policy as a table: the compiled program is interpreted, nothing is run.

use proptest::prelude::*;

use super::table::policy;
use super::{Action, Check, program};

const ARCHITECTURE: u32 = 0xC000_003E;

/// What the kernel hands to the filter.
fn data(architecture: u32, number: u32, arguments: [u64; 6]) -> Vec<u8> {
    let mut data = [number.to_ne_bytes(), architecture.to_ne_bytes()].concat();
    data.extend([0; 8]);
    data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    data
}

/// A classic BPF machine, as far as filters use it.
fn interpret(program: &[libc::sock_filter], data: &[u8]) -> u32 {
    let (mut at, mut accumulator) = (0, 0_u32);
    loop {
        let instruction = program[at];
        at += 1;
        let branch = |taken| {
            usize::from(if taken {
                instruction.jt
            } else {
                instruction.jf
            })
        };
        match u32::from(instruction.code) {
            0x20 => {
                let from = instruction.k as usize;
                accumulator = u32::from_ne_bytes(data[from..from + 4].try_into().unwrap());
            }
            0x05 => at += instruction.k as usize,
            0x15 => at += branch(accumulator == instruction.k),
            0x35 => at += branch(accumulator >= instruction.k),
            0x45 => at += branch(accumulator & instruction.k != 0),
            0x06 => return instruction.k,
            other => panic!("the compiler does not emit {other:#x}"),
        }
    }
}

fn run(number: i64, arguments: [u64; 6]) -> u32 {
    interpret(&program(), &data(ARCHITECTURE, number as u32, arguments))
}

fn with(argument: usize, value: u64) -> [u64; 6] {
    let mut arguments = [0; 6];
    arguments[argument] = value;
    arguments
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number as u32
}

#[test]
fn another_architecture_is_killed() {
    for architecture in [0x4000_0003, 0xC000_00B7, 0, u32::MAX] {
        let verdict = interpret(&program(), &data(architecture, 0, [0; 6]));
        assert_eq!(verdict, libc::SECCOMP_RET_KILL_PROCESS);
    }
}

/// The 32-bit gate, with every number that one of its calls has.
#[test]
fn no_number_helps_another_architecture() {
    const I386: u32 = 0x4000_0003;
    let program = program();
    for number in (0..1024).chain([0x4000_0000, u32::MAX]) {
        for argument in [0, 1, u64::MAX] {
            let verdict = interpret(&program, &data(I386, number, [argument; 6]));
            assert_eq!(verdict, libc::SECCOMP_RET_KILL_PROCESS, "{number}");
        }
    }
}

/// Whatever the arguments, only what is listed is made; and of a number the kernel hands over the
/// lowest 32 bits, so that 2^32 + n is n and nothing else.
#[test]
fn what_is_not_listed_is_never_made() {
    let policy = policy();
    let may_be_made = |number: u32| {
        let listed = policy.table.iter().find(|(listed, _)| *listed == number);
        matches!(
            listed,
            Some((_, Action::Allow | Action::Only { .. } | Action::Fail(0)))
        )
    };
    let arguments = [0, 1, 1 << 31, 1 << 32, u64::MAX, 0xFFFF_FFFF_0000_0000];
    let numbers = (0..1024_i64).chain([-1, 1 << 31, (1 << 31) + 1, (1 << 32) + 1023]);
    let high = (0..1024).map(|number| number + (1 << 32));
    for number in numbers.chain(high) {
        for argument in arguments {
            let verdict = run(number, [argument; 6]);
            let number = number as u32;
            assert_eq!(verdict, expected(number, &[argument; 6]), "{number}");
            if !may_be_made(number) {
                let refused = [errno(libc::EPERM), errno(libc::ENOSYS)];
                assert!(refused.contains(&verdict), "{number}: {verdict:#x}");
            }
        }
    }
}

#[test]
fn a_pair_of_sockets_is_of_one_family() {
    for family in 0..64 {
        for high in [0, 1 << 32, 0xFFFF_FFFF << 32] {
            let expected = match i32::try_from(family).unwrap() {
                libc::AF_UNIX => ALLOW,
                _ => errno(libc::EAFNOSUPPORT),
            };
            assert_eq!(run(libc::SYS_socketpair, with(0, family | high)), expected);
        }
    }
}

#[test]
fn x32_and_unknown_numbers_do_not_exist() {
    for number in (0..1024)
        .map(|n| n | 0x4000_0000)
        .chain([-1, 1 << 31, 471, 1023])
    {
        assert_eq!(run(number, [0; 6]), errno(libc::ENOSYS), "{number:#x}");
    }
}

#[test]
fn dangerous_calls_are_refused() {
    let refused = [
        libc::SYS_ptrace,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_mount_setattr,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_reboot,
        libc::SYS_kexec_load,
        libc::SYS_swapon,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_sethostname,
        libc::SYS_syslog,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_modify_ldt,
        libc::SYS_iopl,
        libc::SYS_ioperm,
        libc::SYS_clock_settime,
        libc::SYS_settimeofday,
        libc::SYS_adjtimex,
        libc::SYS_io_setup,
        libc::SYS_fanotify_init,
        libc::SYS_vmsplice,
        libc::SYS_memfd_secret,
        libc::SYS_process_madvise,
        libc::SYS_seccomp,
    ];
    for number in refused {
        assert_eq!(run(number, [0; 6]), errno(libc::EPERM), "{number}");
    }
}

#[test]
fn libraries_fall_back() {
    for number in [
        libc::SYS_clone3,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
    ] {
        assert_eq!(run(number, [0; 6]), errno(libc::ENOSYS));
    }
}

#[test]
fn threads_and_forks_are_made_but_no_namespaces() {
    let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
    for flags in [thread, libc::SIGCHLD, libc::CLONE_VM | libc::CLONE_VFORK] {
        assert_eq!(run(libc::SYS_clone, with(0, flags as u64)), ALLOW);
    }
    for flag in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ] {
        let flags = u64::from((flag | thread).cast_unsigned()) | 0xFFFF_FFFF_0000_0000;
        assert_eq!(run(libc::SYS_clone, with(0, flags)), errno(libc::EPERM));
    }
}

#[test]
fn three_socket_families_open() {
    for family in 0..64 {
        let expected = match i32::try_from(family).unwrap() {
            libc::AF_UNIX | libc::AF_INET | libc::AF_INET6 => ALLOW,
            _ => errno(libc::EAFNOSUPPORT),
        };
        assert_eq!(run(libc::SYS_socket, with(0, family)), expected);
        assert_eq!(run(libc::SYS_socket, with(0, family | 1 << 32)), expected);
    }
}

#[test]
fn nothing_is_typed_into_a_terminal_even_with_high_bits() {
    for request in [
        libc::TIOCSTI,
        libc::TIOCLINUX,
        libc::TIOCSETD,
        libc::TIOCCONS,
    ] {
        for high in [0, 1 << 32, 0xFFFF_FFFF << 32] {
            assert_eq!(
                run(libc::SYS_ioctl, with(1, request | high)),
                errno(libc::EPERM)
            );
        }
    }
    assert_eq!(run(libc::SYS_ioctl, with(1, libc::TIOCGWINSZ)), ALLOW);
}

#[test]
fn personalities_that_weaken_are_refused() {
    assert_eq!(run(libc::SYS_personality, with(0, 0xFFFF_FFFF)), ALLOW);
    let weak = (libc::READ_IMPLIES_EXEC | libc::ADDR_NO_RANDOMIZE) as u64;
    assert_eq!(
        run(libc::SYS_personality, with(0, weak)),
        errno(libc::EPERM)
    );
}

#[test]
fn the_machine_is_not_flushed() {
    assert_eq!(run(libc::SYS_sync, [0; 6]), errno(0));
    assert_eq!(run(libc::SYS_syncfs, [0; 6]), errno(0));
}

/// The policy read directly, without a program.
fn expected(number: u32, arguments: &[u64; 6]) -> u32 {
    let policy = policy();
    let listed = policy.table.iter().find(|(listed, _)| *listed == number);
    match listed.map(|(_, action)| action.clone()) {
        None if number >= policy.known => errno(libc::ENOSYS),
        None => errno(libc::EPERM),
        Some(Action::Allow) => ALLOW,
        Some(Action::Fail(number)) => errno(number),
        Some(Action::Only {
            argument,
            check,
            otherwise,
        }) => {
            let value = arguments[usize::from(argument)] as u32;
            let passes = match check {
                Check::Among(values) => values.contains(&value),
                Check::NotAmong(values) => !values.contains(&value),
                Check::WithoutBits(mask) => value & mask == 0,
            };
            if passes { ALLOW } else { errno(otherwise) }
        }
    }
}

#[test]
fn no_number_is_listed_twice() {
    let mut numbers: Vec<_> = policy().table.iter().map(|(number, _)| *number).collect();
    let all = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), all);
}

proptest! {
    #[test]
    fn the_program_is_the_policy(
        number in prop_oneof![0_u32..1024, any::<u32>()],
        arguments in any::<[u64; 6]>(),
        small in 0_u64..64,
    ) {
        let mut near = arguments;
        near[0] = small;
        for arguments in [arguments, near] {
            let verdict = interpret(&program(), &data(ARCHITECTURE, number, arguments));
            prop_assert_eq!(verdict, expected(number, &arguments));
        }
    }
}
