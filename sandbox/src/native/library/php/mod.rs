//! Stops PHP where it has started, before it opens the program.
//!
//! The interpreter calls `zend_post_startup_cb` once all its extensions are ready. Only then does
//! it look for the program, whose arguments it has counted before, though: a fork replaces them
//! when the request begins and before PHP makes anything of them.

#![expect(
    unsafe_code,
    reason = "the interpreter's hooks and its record of the arguments are set"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use super::stop::{self, Program};

#[cfg(target_arch = "x86_64")]
mod end;

type Hook = unsafe extern "C" fn() -> c_int;

type Flush = unsafe extern "C" fn(*mut c_void);

const SUCCESS: c_int = 0;

/// The beginning of `sapi_module_struct`.
#[repr(C)]
struct Sapi {
    _name: *const c_char,
    _pretty_name: *const c_char,
    _startup: *const c_void,
    _shutdown: *const c_void,
    activate: Option<Hook>,
    deactivate: Option<Hook>,
    _write: *const c_void,
    flush: Option<Flush>,
}

/// The beginning of `sapi_globals_struct`, up to the arguments: from PHP 8.0 on, without threads.
#[repr(C)]
struct Globals {
    _before: [*const c_void; 9],
    _flags: [bool; 3],
    _after: [*const c_void; 7],
    _current_user_length: c_int,
    argc: c_int,
    argv: *const *const c_char,
}

/// What a fork runs.
static PROGRAM: OnceLock<Program> = OnceLock::new();

fn symbol<T>(name: &CStr) -> *mut T {
    // SAFETY: it only looks the name up.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()).cast() }
}

/// Has PHP stop, if this is PHP.
pub(super) fn arrange() {
    let hook = symbol::<Option<Hook>>(c"zend_post_startup_cb");
    let has_all =
        !symbol::<Sapi>(c"sapi_module").is_null() && !symbol::<Globals>(c"sapi_globals").is_null();
    if !hook.is_null() && has_all {
        // SAFETY: the variable is of this type, and nothing of PHP's runs yet. Extensions that
        // want to be called too call what they find there.
        unsafe { *hook = Some(started) };
    }
}

unsafe extern "C" fn started() -> c_int {
    let _ = PROGRAM.set(stop::serve());
    // SAFETY: the variable is of this type, and PHP has set it by now. Its command line has no
    // such hook of its own.
    unsafe { (*symbol::<Sapi>(c"sapi_module")).activate = Some(begins) };
    SUCCESS
}

unsafe extern "C" fn begins() -> c_int {
    // SAFETY: the variables are of these types; PHP has one thread.
    unsafe {
        (*symbol::<Sapi>(c"sapi_module")).activate = None;
        #[cfg(target_arch = "x86_64")]
        end::end_early();
        if let Some(program) = PROGRAM.get() {
            replace_arguments(symbol::<Globals>(c"sapi_globals"), program);
        }
    }
    SUCCESS
}

/// Gives PHP the program's arguments in place of those that it was started with: none.
///
/// # Safety
/// PHP must have set the globals for the request.
unsafe fn replace_arguments(globals: *mut Globals, program: &'static Program) {
    // SAFETY: the callers' promise. The list is never freed, as PHP keeps it.
    unsafe {
        if (*globals).argc != 1 {
            program.start_anew();
        }
        // The name of the file stays the one that PHP itself has put there.
        let file = *(*globals).argv;
        let arguments = program.words.iter().skip(1).map(|text| text.as_ptr());
        let all: Vec<_> = [file].into_iter().chain(arguments).collect();
        (*globals).argc = c_int::try_from(all.len()).unwrap_or(c_int::MAX);
        let all: Vec<_> = all.into_iter().chain([ptr::null()]).collect();
        (*globals).argv = all.leak().as_ptr();
    }
}
