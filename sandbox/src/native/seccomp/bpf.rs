//! Turns a table of system calls into a classic BPF program.
//!
//! The program is a binary search over the numbers: the kernel translates it at every install,
//! so it is short, and a call takes about eight comparisons.

use super::super::weaken::{self, Weakening};
use super::{Action, Check, Policy};

/// Offsets in the kernel's `seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const SKIP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const IF_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;

/// Everything from `first` up to the next range's first is treated alike.
struct Range {
    first: u32,
    action: Action,
}

/// Compiles a policy for one architecture.
pub(crate) fn compile(policy: &Policy) -> Vec<libc::sock_filter> {
    let mut program = vec![
        statement(LOAD, ARCHITECTURE),
        jump(
            IF_EQUAL,
            policy.architecture,
            1,
            u8::from(weaken::is(Weakening::FilterArchitecture)),
        ),
        statement(RETURN, libc::SECCOMP_RET_KILL_PROCESS),
        statement(LOAD, NUMBER),
    ];
    program.extend(search(&ranges(policy)));
    program
}

fn ranges(policy: &Policy) -> Vec<Range> {
    let mut table: Vec<_> = policy.table.clone();
    table.sort_by_key(|(number, _)| *number);
    let mut ranges: Vec<Range> = Vec::new();
    let mut add = |first, action: &Action| {
        if ranges.last().is_none_or(|last| last.action != *action) {
            ranges.push(Range {
                first,
                action: action.clone(),
            });
        }
    };
    let mut next = 0;
    for (number, action) in &table {
        if *number > next {
            add(next, &policy.unlisted);
        }
        add(*number, action);
        next = number + 1;
    }
    if policy.known > next {
        add(next, &policy.unlisted);
    }
    add(policy.known.max(next), &Action::Fail(libc::ENOSYS));
    ranges
}

fn search(ranges: &[Range]) -> Vec<libc::sock_filter> {
    if let [range] = ranges {
        return leaf(&range.action);
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let (low, pivot, high) = (search(low), high[0].first, search(high));
    let mut program = match u8::try_from(low.len()) {
        Ok(length) => vec![jump(IF_AT_LEAST, pivot, length, 0)],
        // A conditional jump reaches 255 instructions, a plain one any number.
        Err(_) => vec![
            jump(IF_AT_LEAST, pivot, 0, 1),
            statement(
                SKIP,
                low.len()
                    .try_into()
                    .expect("a program has few instructions"),
            ),
        ],
    };
    program.extend(low);
    program.extend(high);
    program
}

fn leaf(action: &Action) -> Vec<libc::sock_filter> {
    match action {
        Action::Allow => vec![statement(RETURN, libc::SECCOMP_RET_ALLOW)],
        Action::Fail(errno) => vec![fail(*errno)],
        Action::Only {
            argument,
            check,
            otherwise,
        } => {
            // The kernel reads these arguments as 32 bits; what is above them must not matter.
            let mut program = vec![statement(LOAD, ARGUMENTS + 8 * u32::from(*argument))];
            match check {
                Check::Among(values) => {
                    for value in values {
                        program.push(jump(IF_EQUAL, *value, 0, 1));
                        program.push(statement(RETURN, libc::SECCOMP_RET_ALLOW));
                    }
                    program.push(fail(*otherwise));
                }
                Check::NotAmong(values) => {
                    for value in values {
                        program.push(jump(IF_EQUAL, *value, 0, 1));
                        program.push(fail(*otherwise));
                    }
                    program.push(statement(RETURN, libc::SECCOMP_RET_ALLOW));
                }
                Check::WithoutBits(mask) => {
                    program.push(jump(IF_ANY_BIT, *mask, 0, 1));
                    program.push(fail(*otherwise));
                    program.push(statement(RETURN, libc::SECCOMP_RET_ALLOW));
                }
            }
            program
        }
    }
}

fn fail(errno: i32) -> libc::sock_filter {
    statement(RETURN, libc::SECCOMP_RET_ERRNO | errno.cast_unsigned())
}

fn statement(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}
