//! What is asked of Ruby, and what in it belongs to one process.

#![expect(
    unsafe_code,
    reason = "functions of the interpreter are looked up and called"
)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute_copy;
use std::ptr;

/// A Ruby object, of which nothing is known here.
pub(super) type Value = usize;

/// `Qnil`
const NIL: Value = 8;

pub(super) type Body = unsafe extern "C-unwind" fn(Value) -> Value;

pub(super) type Protect = unsafe extern "C-unwind" fn(Body, Value, *mut c_int) -> Value;

/// The series of Ruby whose ways these are. Another one runs the stand-in and ends, as a runtime
/// that cannot be kept started.
const SERIES: [c_int; 2] = [3, 1];

/// The function with this name in the library that comes after this one.
///
/// # Safety
/// It must have this type.
pub(super) unsafe fn next<F>(name: &CStr) -> Option<F> {
    // SAFETY: it only looks the name up.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    // SAFETY: the callers' promise; a function's address is as large as any.
    (!found.is_null()).then(|| unsafe { transmute_copy::<*mut c_void, F>(&found) })
}

/// What of Ruby is used: all of it is there for extensions, or for those who embed it.
pub(super) struct Ruby {
    kernel: *const Value,
    text: unsafe extern "C-unwind" fn(*mut Value) -> *const c_char,
    new_text: unsafe extern "C-unwind" fn(*const c_char) -> Value,
    intern: unsafe extern "C-unwind" fn(*const c_char) -> usize,
    call: unsafe extern "C-unwind" fn(Value, usize, c_int, *const Value) -> Value,
    protect: Protect,
    error: unsafe extern "C-unwind" fn() -> Value,
    set_error: unsafe extern "C-unwind" fn(Value),
    hide: unsafe extern "C-unwind" fn(Value) -> Value,
    descriptor: unsafe extern "C-unwind" fn(Value) -> c_int,
    set_arguments: unsafe extern "C-unwind" fn(c_int, *const *const c_char),
    after_fork: unsafe extern "C-unwind" fn(),
    thread: unsafe extern "C-unwind" fn() -> Value,
    streams: [*const Value; 3],
}

/// `struct RTypedData` of a thread.
#[repr(C)]
struct Data {
    _before: [usize; 4],
    record: *mut Thread,
}

/// The beginning of `rb_thread_t`.
#[repr(C)]
struct Thread {
    _list: [usize; 2],
    object: Value,
    _between: [usize; 8],
    number: c_int,
}

/// `struct RFile` of a stream.
#[repr(C)]
struct Opened {
    _before: [usize; 2],
    record: *mut Stream,
}

/// The beginning of `rb_io_t`.
#[repr(C)]
struct Stream {
    object: Value,
    _file: usize,
    number: c_int,
    mode: c_int,
}

/// `FMODE_TTY | FMODE_DUPLEX`, which Ruby sets when it starts.
const ON_TERMINAL: c_int = 0x30;

impl Ruby {
    /// If it is of the series that is known.
    pub(super) fn find() -> Option<Self> {
        // SAFETY: these have these types in that series.
        unsafe {
            let version = next::<*const [c_int; 3]>(c"ruby_api_version")?;
            let [major, minor, _] = *version;
            if [major, minor] != SERIES {
                return None;
            }
            Some(Self {
                kernel: next(c"rb_mKernel")?,
                text: next(c"rb_string_value_cstr")?,
                new_text: next(c"rb_str_new_cstr")?,
                intern: next(c"rb_intern")?,
                call: next(c"rb_funcallv")?,
                protect: next(c"rb_protect")?,
                error: next(c"rb_errinfo")?,
                set_error: next(c"rb_set_errinfo")?,
                hide: next(c"rb_obj_hide")?,
                descriptor: next(c"rb_io_descriptor")?,
                set_arguments: next(c"ruby_set_argv")?,
                after_fork: next(c"rb_thread_atfork")?,
                thread: next(c"rb_thread_current")?,
                streams: [next(c"rb_stdin")?, next(c"rb_stdout")?, next(c"rb_stderr")?],
            })
        }
    }

    /// Whether a file is the program: all that Ruby loads by itself is named by its whole path.
    pub(super) unsafe fn is_program(&self, mut name: Value) -> bool {
        // SAFETY: Ruby has named a file by a string, which it keeps.
        name != NIL && unsafe { *(self.text)(&raw mut name) } != b'/'.cast_signed()
    }

    /// The number of an open file, of which nothing is left in a buffer then.
    pub(super) unsafe fn rewound(&self, file: Value) -> c_int {
        // SAFETY: this is a public method and a public function.
        unsafe {
            (self.call)(file, (self.intern)(c"rewind".as_ptr()), 0, ptr::null());
            (self.descriptor)(file)
        }
    }

    /// Has Ruby try to execute what is no program, and forget that.
    ///
    /// Around a fork Ruby stops what it wakes itself up with, and then makes it anew. The only
    /// other place where it does is around the execution of a command, after which it goes on
    /// where that failed. In between it calls [`rb_protect`](super::rb_protect).
    pub(super) unsafe fn execute_nothing(&self) {
        // SAFETY: these are public functions, and Ruby has called this.
        unsafe {
            let mut state = 0;
            let given = (&raw const *self).expose_provenance();
            (self.protect)(execute_a_folder, given, &raw mut state);
            (self.hide)((self.error)());
            (self.set_error)(NIL);
        }
    }

    /// Brings what depends on the process and its streams up to date, and sets the arguments.
    pub(super) unsafe fn renew(&self, number_of_thread: Option<*mut c_int>, arguments: &[CString]) {
        let words: Vec<_> = arguments.iter().map(|it| it.as_ptr()).collect();
        let count = c_int::try_from(words.len()).unwrap_or(c_int::MAX);
        // SAFETY: as above. As many words are there, and Ruby copies them.
        unsafe {
            // Among others it draws new seeds.
            (self.after_fork)();
            if let Some(number) = number_of_thread {
                *number = libc::gettid();
            }
            for (number, stream) in (0..).zip(self.streams) {
                look_for_terminal(*stream, number);
            }
            (self.set_arguments)(count, words.as_ptr());
        }
    }

    /// Where it keeps what the kernel calls its only thread, which Ruby's own forks forget to
    /// renew.
    pub(super) unsafe fn thread_number(&self) -> Option<*mut c_int> {
        // SAFETY: the object of a thread points to its record, in which that is a field.
        unsafe {
            let object = (self.thread)();
            let record = (*ptr::with_exposed_provenance::<Data>(object)).record;
            let is_it = (*record).object == object && (*record).number == libc::gettid();
            is_it.then_some(&raw mut (*record).number)
        }
    }
}

/// Has a standard stream behave as the one that it is now.
///
/// # Safety
/// The object must be a stream of Ruby's.
unsafe fn look_for_terminal(object: Value, number: c_int) {
    // SAFETY: the callers' promise. Such an object points to a record with these fields.
    unsafe {
        let record = (*ptr::with_exposed_provenance::<Opened>(object)).record;
        if (*record).object == object && (*record).number == number {
            let bits = if libc::isatty(number) == 1 {
                ON_TERMINAL
            } else {
                0
            };
            (*record).mode = (*record).mode & !ON_TERMINAL | bits;
        }
    }
}

/// Raises the error that a folder is not executed.
unsafe extern "C-unwind" fn execute_a_folder(ruby: Value) -> Value {
    let ruby = ptr::with_exposed_provenance::<Ruby>(ruby);
    // SAFETY: `execute_nothing` gives what it was called with.
    unsafe {
        let folder = ((*ruby).new_text)(c"/".as_ptr());
        let exec = ((*ruby).intern)(c"exec".as_ptr());
        ((*ruby).call)(*(*ruby).kernel, exec, 1, &raw const folder)
    }
}
