//! Ends a fork of Python as soon as nothing of its program is left.
//!
//! At its end the interpreter takes itself apart: it flushes, runs `atexit` and finalizers, and
//! then frees all that it has started with. A program cannot tell whether that last part happens,
//! but a fork pays for it: it writes to nearly all the memory that it shares with its siblings,
//! which the kernel has to copy first. So that part is left out.
//!
//! Two objects tell how far the interpreter is, as nothing else holds them:
//! `sys.__interactivehook__` goes just after the last flush, before anything is taken apart.
//! `_stat.__spec__` goes once the program's modules are gone and the collector has been through
//! the rest: modules are emptied in the reverse order of their import, and `_stat` is the last
//! one of those there before the program that lives until then. Where a program has replaced one
//! of them, or a flush has failed, or a function of Python's is not there, the interpreter ends
//! as it always does.

#![expect(
    unsafe_code,
    reason = "functions of the interpreter are looked up and called"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::transmute_copy;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A Python object, of which nothing is known here.
type Object = *mut c_void;

type Callback = unsafe extern "C" fn(Object, Object) -> Object;

/// `PyMethodDef`
#[repr(C)]
struct Method {
    name: *const c_char,
    function: Callback,
    flags: c_int,
    doc: *const c_char,
}

// SAFETY: it points only to what is constant.
unsafe impl Sync for Method {}

/// `METH_O`: the function takes one argument.
const ONE_ARGUMENT: c_int = 8;

const fn method(function: Callback) -> Method {
    Method {
        name: c"runlog".as_ptr(),
        function,
        flags: ONE_ARGUMENT,
        doc: ptr::null(),
    }
}

static FLUSHED: Method = method(flushed);
static TAKEN_APART: Method = method(taken_apart);

/// What of the interpreter is used: all of it is of its stable ABI, but for the question whether
/// it is ending, which has a new name since 3.13.
struct Python {
    is_ending: unsafe extern "C" fn() -> c_int,
    finalize: *mut c_void,
    none: Object,
    of_sys: unsafe extern "C" fn(*const c_char) -> Object,
    item: unsafe extern "C" fn(Object, *const c_char) -> Object,
    attribute: unsafe extern "C" fn(Object, *const c_char) -> Object,
    call: unsafe extern "C" fn(Object, *const c_char, *const c_char, ...) -> Object,
    clear_error: unsafe extern "C" fn(),
    keep: unsafe extern "C" fn(Object),
    let_go: unsafe extern "C" fn(Object),
    function: unsafe extern "C" fn(*const Method, Object, Object) -> Object,
    weak: unsafe extern "C" fn(Object, Object) -> Object,
    hide: unsafe extern "C" fn(Object),
}

// SAFETY: addresses of what lives as long as the process.
unsafe impl Send for Python {}
// SAFETY: as above.
unsafe impl Sync for Python {}

static PYTHON: OnceLock<Python> = OnceLock::new();

/// Whether the last flush was a success, and nothing is left to be said of it.
static IS_FLUSHED: AtomicBool = AtomicBool::new(false);

fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: it only looks the name up.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// # Safety
/// The function must have this type.
unsafe fn function<F>(name: &CStr) -> Option<F> {
    // SAFETY: the callers' promise; a function's address is as large as any.
    symbol(name).map(|found| unsafe { transmute_copy::<*mut c_void, F>(&found) })
}

impl Python {
    fn find() -> Option<Self> {
        // SAFETY: the functions have these types in every Python 3.
        unsafe {
            Some(Self {
                is_ending: function(c"Py_IsFinalizing")
                    .or_else(|| function(c"_Py_IsFinalizing"))?,
                finalize: symbol(c"Py_FinalizeEx")?,
                none: symbol(c"_Py_NoneStruct")?,
                of_sys: function(c"PySys_GetObject")?,
                item: function(c"PyDict_GetItemString")?,
                attribute: function(c"PyObject_GetAttrString")?,
                call: function(c"PyObject_CallMethod")?,
                clear_error: function(c"PyErr_Clear")?,
                keep: function(c"Py_IncRef")?,
                let_go: function(c"Py_DecRef")?,
                function: function(c"PyCFunction_NewEx")?,
                weak: function(c"PyWeakref_NewRef")?,
                hide: function(c"PyObject_GC_UnTrack")?,
            })
        }
    }

    /// Has a function called when an object goes.
    ///
    /// # Safety
    /// The interpreter must be ready, its lock held, and the object one of its own.
    unsafe fn when_gone(&self, object: Object, method: &'static Method) {
        // SAFETY: the callers' promise. Both new objects are kept for good, where neither the
        // program nor the collector finds them.
        unsafe {
            let function = (self.function)(method, ptr::null_mut(), ptr::null_mut());
            if function.is_null() {
                return (self.clear_error)();
            }
            let weak = (self.weak)(object, function);
            if weak.is_null() {
                return (self.clear_error)();
            }
            (self.hide)(function);
            (self.hide)(weak);
        }
    }

    /// Whether one of the standard streams is what the interpreter has opened, and has nothing
    /// that could not be flushed.
    unsafe fn is_flushed(&self, name: &CStr, original: &CStr) -> bool {
        // SAFETY: as for `when_gone`; a borrowed object is kept while it is used.
        unsafe {
            let stream = (self.of_sys)(name.as_ptr());
            let is_original = stream == (self.of_sys)(original.as_ptr());
            if stream.is_null() || stream == self.none || !is_original {
                return false;
            }
            (self.keep)(stream);
            let result = (self.call)(stream, c"flush".as_ptr(), ptr::null());
            (self.let_go)(stream);
            if result.is_null() {
                (self.clear_error)();
                return false;
            }
            (self.let_go)(result);
            true
        }
    }

    /// Whether nothing is left that was printed.
    unsafe fn are_flushed(&self) -> bool {
        // SAFETY: as for `is_flushed`.
        unsafe {
            self.is_flushed(c"stdout", c"__stdout__") && self.is_flushed(c"stderr", c"__stderr__")
        }
    }
}

/// Has forks of this interpreter end early.
pub(super) fn end_early() {
    let Some(python) = Python::find() else { return };
    let python = PYTHON.get_or_init(|| python);
    // SAFETY: Python calls this while it imports a module.
    unsafe {
        let hook = (python.of_sys)(c"__interactivehook__".as_ptr());
        let modules = (python.of_sys)(c"modules".as_ptr());
        if hook.is_null() || hook == python.none || modules.is_null() {
            return;
        }
        let module = (python.item)(modules, c"_stat".as_ptr());
        if module.is_null() {
            return;
        }
        let spec = (python.attribute)(module, c"__spec__".as_ptr());
        if spec.is_null() {
            return (python.clear_error)();
        }
        python.when_gone(hook, &FLUSHED);
        python.when_gone(spec, &TAKEN_APART);
        (python.let_go)(spec);
    }
}

/// What a callback gives back: nothing.
unsafe fn nothing(python: &Python) -> Object {
    // SAFETY: `None` always is there.
    unsafe { (python.keep)(python.none) };
    python.none
}

unsafe extern "C" fn flushed(_self: Object, _weak: Object) -> Object {
    let Some(python) = PYTHON.get() else {
        return ptr::null_mut();
    };
    // SAFETY: Python calls this.
    unsafe {
        if (python.is_ending)() != 0 {
            IS_FLUSHED.store(python.are_flushed(), Ordering::Relaxed);
        }
        nothing(python)
    }
}

unsafe extern "C" fn taken_apart(_self: Object, _weak: Object) -> Object {
    let Some(python) = PYTHON.get() else {
        return ptr::null_mut();
    };
    // SAFETY: Python calls this. What `Py_FinalizeEx` would do from here on only frees memory,
    // which the end of the process does at once; it returns 0 after a good flush. What finalizers
    // have printed since then is flushed here.
    unsafe {
        let may = (python.is_ending)() != 0 && IS_FLUSHED.load(Ordering::Relaxed);
        if may && python.are_flushed() {
            super::frames::return_from(python.finalize, 0);
        }
        nothing(python)
    }
}
