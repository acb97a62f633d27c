//! A place in a runtime's own code where it stops to serve as a spawner, and where its forks go on.

#![expect(
    unsafe_code,
    reason = "signals and the environment are put back behind the runtime's back"
)]

use std::ffi::{CString, c_char};
use std::ptr;

use super::super::init::Told;
use super::super::{spawner, sys};

unsafe extern "C" {
    static mut environ: *const *const c_char;
}

/// What a fork must put back: a cell's process has reset all signals.
struct Signals {
    actions: Vec<(i32, libc::sigaction)>,
    blocked: libc::sigset_t,
}

impl Signals {
    fn now() -> Self {
        // SAFETY: what is read is written by the calls, or is empty.
        unsafe {
            let mut blocked = std::mem::zeroed();
            libc::sigprocmask(libc::SIG_SETMASK, ptr::null(), &raw mut blocked);
            let action = |signal| {
                let mut action = std::mem::zeroed();
                let is_one = libc::sigaction(signal, ptr::null(), &raw mut action) == 0;
                is_one.then_some((signal, action))
            };
            Self {
                actions: (1..=libc::SIGRTMAX()).filter_map(action).collect(),
                blocked,
            }
        }
    }

    fn put_back(&self) {
        // SAFETY: these were in force before, in the same program.
        unsafe {
            for (signal, action) in &self.actions {
                // Those that nobody can change refuse it.
                libc::sigaction(*signal, action, ptr::null_mut());
            }
            libc::sigprocmask(libc::SIG_SETMASK, &raw const self.blocked, ptr::null_mut());
        }
    }
}

/// What a fork goes on with.
pub(super) struct Program {
    /// The name of its file and its arguments.
    pub(super) words: Vec<CString>,
    /// The command that starts it without a warm runtime.
    argv: Vec<CString>,
}

/// Serves here. Returns only in a process of a cell that goes on as the runtime, with the
/// program's environment, and with signals as they were here.
pub(super) fn serve() -> Program {
    let signals = Signals::now();
    let Told { words, env, argv } = spawner::told_in_runtime();
    signals.put_back();
    replace_environment(env);
    Program { words, argv }
}

impl Program {
    /// Becomes the program as if there were no warm runtime, where that cannot run it.
    pub(super) fn start_anew(&self) -> ! {
        sys::reset_signals();
        let pointers = self.argv.iter().map(|text| text.as_ptr());
        let all: Vec<_> = pointers.chain([ptr::null()]).collect();
        if let (Some(program), Ok(())) = (self.argv.first(), sys::close_on_exec_from(3)) {
            // SAFETY: both lists end in null, and nobody changes what they point to.
            unsafe { libc::execve(program.as_ptr(), all.as_ptr(), environ) };
        }
        sys::exit(127)
    }
}

fn replace_environment(env: Vec<CString>) {
    let texts = env.into_iter().map(|text| text.into_raw().cast_const());
    let all: Vec<_> = texts.chain([ptr::null()]).collect();
    // SAFETY: there is one thread; the list and what it points to is never freed, as is that of
    // a program which was just started.
    unsafe { environ = all.leak().as_ptr() };
}
