//! Which system calls a program in a cell may make.
//!
//! An allowlist. What is not on it answers `EPERM`; what is newer than the list answers
//! `ENOSYS`, as an older kernel would, so that libraries fall back. A call of another
//! architecture (32 bit) ends the process.

mod allowed;
mod bpf;
mod table;

pub(crate) use bpf::compile;
pub(crate) use table::{name, policy};

#[cfg(test)]
mod tests;

/// What happens at a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is made.
    Allow,
    /// It is not made and answers this error; 0 is success.
    Fail(i32),
    /// It is made only if an argument, as the 32 bits that the kernel reads of it, passes.
    Only {
        argument: u8,
        check: Check,
        otherwise: i32,
    },
}

/// A check of one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// It is one of these.
    Among(Vec<u32>),
    /// It is none of these.
    NotAmong(Vec<u32>),
    /// It has none of these bits.
    WithoutBits(u32),
}

/// A whole policy.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// The kernel's name for the architecture whose numbers these are.
    pub(crate) architecture: u32,
    /// What happens at each listed number.
    pub(crate) table: Vec<(u32, Action)>,
    /// What happens at a number that is not listed.
    pub(crate) unlisted: Action,
    /// Numbers from here on were unknown when the list was made.
    pub(crate) known: u32,
}

/// The filter for programs, compiled.
pub(crate) fn program() -> Vec<libc::sock_filter> {
    compile(&policy())
}
