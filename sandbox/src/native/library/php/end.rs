//! Ends a fork of PHP as soon as its request is over.
//!
//! When nothing of the program is left, the interpreter frees all that it has started with. A program
//! cannot tell whether that happens, but a fork pays for it: it writes to memory that it shares with
//! its siblings, which the kernel has to copy first. So `php_module_shutdown` returns at its
//! beginning, where it has the output flushed: the only time that this happens after the request.

#![expect(unsafe_code, reason = "the interpreter's hooks are set and called")]

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use super::super::frames;
use super::{Flush, Hook, SUCCESS, Sapi, symbol};

/// What PHP's command line itself does when a request is over, and to flush.
static OWN: OnceLock<(Hook, Flush)> = OnceLock::new();

/// Has this process end early.
pub(super) fn end_early() {
    let sapi = symbol::<Sapi>(c"sapi_module");
    // SAFETY: the variable is of this type and set; PHP has one thread.
    unsafe {
        if let (Some(deactivate), Some(flush)) = ((*sapi).deactivate, (*sapi).flush)
            && OWN.set((deactivate, flush)).is_ok()
        {
            (*sapi).deactivate = Some(is_over);
        }
    }
}

unsafe extern "C" fn is_over() -> c_int {
    // SAFETY: as above; what was there is called as PHP would.
    unsafe {
        (*symbol::<Sapi>(c"sapi_module")).flush = Some(flush_last);
        match OWN.get() {
            Some((deactivate, _)) => deactivate(),
            None => SUCCESS,
        }
    }
}

unsafe extern "C" fn flush_last(context: *mut c_void) {
    // SAFETY: as above. What `php_module_shutdown` would do from here on only frees memory, which
    // the end of the process does at once; its caller expects no result. If it is not what flushes,
    // PHP ends as it always does.
    unsafe {
        if let Some((_, flush)) = OWN.get() {
            (*symbol::<Sapi>(c"sapi_module")).flush = Some(*flush);
            flush(context);
        }
        let shutdown = symbol::<c_void>(c"php_module_shutdown");
        if !shutdown.is_null() {
            frames::return_from(shutdown, 0);
        }
    }
}
