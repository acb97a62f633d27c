//! Stops Ruby where it has loaded all that every program finds, before it reads the program.
//!
//! Ruby opens the program early, but only to see whether its first line is for a shell. It then
//! loads its packages, which is most of its start, and reads the file from its beginning. That
//! step is a function of its own, which is found here first as this library comes before Ruby's.
//! So the runtime is started with a stand-in, and a fork puts the program's file in its place.

#![expect(
    unsafe_code,
    reason = "functions of the interpreter are called, and stood in for"
)]

mod interpreter;

use std::ffi::{CString, c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use self::interpreter::{Body, Protect, Ruby, Value, next};
use super::stop::{self as place, Program};

type Parse = unsafe extern "C-unwind" fn(Value, Value, Value, c_int) -> *mut c_void;

static HAS_STOPPED: AtomicBool = AtomicBool::new(false);

/// The number of the open program from when Ruby was stopped until this process serves.
static STOPPED_AT: AtomicI32 = AtomicI32::new(-1);

/// What a fork runs.
static PROGRAM: OnceLock<Program> = OnceLock::new();

/// Ruby's own function of that name reads a file, given a parser, its name, the open file and
/// the number of its first line.
///
/// # Safety
/// Only Ruby calls it.
// SAFETY: in programs with this crate there is no Ruby, and no other symbol has this name.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn rb_parser_compile_file_path(
    parser: Value,
    name: Value,
    file: Value,
    line: c_int,
) -> *mut c_void {
    // SAFETY: Ruby calls this, with what its own function expects.
    unsafe {
        if !HAS_STOPPED.load(Ordering::Relaxed)
            && let Some(ruby) = Ruby::find()
            && ruby.is_program(name)
        {
            HAS_STOPPED.store(true, Ordering::Relaxed);
            stop(&ruby, file);
        }
        match next::<Parse>(c"rb_parser_compile_file_path") {
            Some(parse) => parse(parser, name, file, line),
            None => std::process::abort(),
        }
    }
}

/// Ruby's own function of that name calls another one and holds up what that raises.
///
/// # Safety
/// Only Ruby and its extensions call it.
// SAFETY: as above.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn rb_protect(body: Body, given: Value, state: *mut c_int) -> Value {
    static REAL: OnceLock<Option<Protect>> = OnceLock::new();
    let number = STOPPED_AT.swap(-1, Ordering::Relaxed);
    if number != -1 {
        serve(number);
    }
    // SAFETY: it has this type, and gets what it expects.
    unsafe {
        match REAL.get_or_init(|| next(c"rb_protect")) {
            Some(protect) => protect(body, given, state),
            None => std::process::abort(),
        }
    }
}

/// Serves; comes back in a fork, with its program in the place of the stand-in.
fn serve(number: RawFd) {
    let numbers = open_numbers();
    let program = PROGRAM.get_or_init(place::serve);
    if take_place(program, number, &numbers).is_err() {
        program.start_anew();
    }
}

/// Has this process serve; comes back in a fork, as after one of Ruby's own.
///
/// # Safety
/// Ruby must have opened the file, and called this.
unsafe fn stop(ruby: &Ruby, file: Value) {
    // SAFETY: the callers' promise.
    unsafe {
        let number_of_thread = ruby.thread_number();
        STOPPED_AT.store(ruby.rewound(file), Ordering::Relaxed);
        ruby.execute_nothing();
        if let Some(program) = PROGRAM.get() {
            ruby.renew(number_of_thread, &program.words[1..]);
        }
    }
}

/// What is used here and not by Ruby has numbers from this one on.
const OWN_NUMBERS: RawFd = 64;

/// The numbers of open descriptors behind the standard streams that Ruby may have opened.
fn open_numbers() -> Vec<RawFd> {
    let is_open = |number: &RawFd| {
        // SAFETY: it only asks.
        unsafe { libc::fcntl(*number, libc::F_GETFD) != -1 }
    };
    (3..OWN_NUMBERS).filter(is_open).collect()
}

/// Puts the program's file in the place of the stand-in, which had a number, and something in
/// that of all else that Ruby had open and will close. Fails where the program is one that Ruby
/// would have begun to read otherwise.
fn take_place(program: &Program, number: RawFd, numbers: &[RawFd]) -> io::Result<()> {
    let name = program.words.first().map(CString::as_bytes);
    let name = std::str::from_utf8(name.unwrap_or_default()).map_err(io::Error::other)?;
    let is_one = std::fs::metadata(name)?.is_file();
    let mut first = [0; 2];
    let file = File::open(name)?;
    let length = file.read_at(&mut first, 0)?;
    if !is_one || length == 0 || &first == b"#!" {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let null = File::open("/dev/null")?;
    let numbers = numbers.iter().filter(|it| **it != number);
    let places = numbers.map(|it| (&null, *it)).chain([(&file, number)]);
    // Above all of these numbers, as the two files may have some of them now.
    let aside = places.map(|(file, place)| {
        let copy = rustix::io::fcntl_dupfd_cloexec(file, OWN_NUMBERS)?;
        io::Result::Ok((copy, place))
    });
    let aside = aside.collect::<io::Result<Vec<_>>>()?;
    drop((file, null));
    for (file, place) in aside {
        // SAFETY: Ruby owns what has these numbers; nothing else is open.
        if unsafe { libc::dup3(file.as_raw_fd(), place, libc::O_CLOEXEC) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
