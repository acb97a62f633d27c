//! The way into this crate's shared library, for a warm runtime that forks cells out of itself.
//!
//! Runtimes look for a function of a certain name in a library that they load. Here that function
//! serves as the spawner. It returns only in a process of a new cell that was told to go; to the
//! runtime that looks as if the library were of no use to it, which leaves nothing behind.
//!
//! A runtime that has no place for such a call which a program could not tell gets the library ahead
//! of all others, and is stopped at a place of its own code.

#![expect(
    unsafe_code,
    reason = "names that runtimes look for must not be mangled"
)]

#[cfg(target_arch = "x86_64")]
mod frames;
mod php;
mod preload;
#[cfg(target_arch = "x86_64")]
mod python;
mod ruby;
mod stop;

use std::ffi::c_void;
use std::ptr;

use super::spawner;

/// For Python, which loads `runlog_cells` as an extension module.
// SAFETY: no other symbol has this name.
#[unsafe(no_mangle)]
extern "C" fn PyInit_runlog_cells() -> *mut c_void {
    #[cfg(target_arch = "x86_64")]
    python::end_early();
    spawner::serve_in_runtime();
    ptr::null_mut()
}

/// For runtimes that can call a plain function.
// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn runlog_cells() {
    spawner::serve_in_runtime();
}
