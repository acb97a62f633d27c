//! Called before the runtime begins, where the library was loaded ahead of all others.

#![expect(unsafe_code, reason = "the linker is told what to call first")]

use std::ffi::CStr;

use super::super::config::LIBRARY;
use super::super::spawner;
use super::php;

// SAFETY: the C library calls what is in this section before `main`, with all libraries loaded.
#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;

/// Does nothing in any program but a warm runtime: the crate's other forms have this too.
extern "C" fn begin() {
    // SAFETY: there is one thread.
    let preloaded = unsafe { libc::getenv(c"LD_PRELOAD".as_ptr()) };
    if preloaded.is_null() {
        return;
    }
    // SAFETY: it is a string of the environment, which nobody changes meanwhile.
    let preloaded = unsafe { CStr::from_ptr(preloaded) };
    if preloaded.to_bytes() == LIBRARY.as_bytes() {
        spawner::set_aside();
        php::arrange();
    }
}
