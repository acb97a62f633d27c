//! Returning from a function that is several calls up, with a result of our choice.
//!
//! The frames in between are given up without anything of theirs being run, as `longjmp` does.

#![expect(
    unsafe_code,
    reason = "frames are walked with the unwinder, and registers are set"
)]

use std::ffi::{c_int, c_void};

/// The registers that a function finds unchanged after a call, the stack pointer and where it
/// goes on.
#[repr(C)]
struct Place {
    rbx: usize,
    rbp: usize,
    r12: usize,
    r13: usize,
    r14: usize,
    r15: usize,
    rsp: usize,
    rip: usize,
}

/// What the walk looks for, and what it has found.
struct Walk {
    function: usize,
    is_caller_next: bool,
    caller: Option<Place>,
}

#[repr(C)]
struct Context {
    _opaque: [u8; 0],
}

type Visit = unsafe extern "C" fn(*mut Context, *mut c_void) -> c_int;

const GO_ON: c_int = 0;
/// `_URC_NORMAL_STOP`
const STOP: c_int = 4;

// The unwinder that every Rust program has, as the ABI of the platform describes it.
unsafe extern "C-unwind" {
    fn _Unwind_Backtrace(visit: Visit, walk: *mut c_void) -> c_int;
    fn _Unwind_GetIP(context: *mut Context) -> usize;
    fn _Unwind_GetCFA(context: *mut Context) -> usize;
    fn _Unwind_GetGR(context: *mut Context, register: c_int) -> usize;
    fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
}

/// Numbers of registers in the unwinder's tables, on x86-64.
const RBX: c_int = 3;
const RBP: c_int = 6;
const R12: c_int = 12;

unsafe extern "C" fn visit(context: *mut Context, walk: *mut c_void) -> c_int {
    // SAFETY: what `return_from` gave, which nobody else uses meanwhile.
    let walk = unsafe { &mut *walk.cast::<Walk>() };
    // SAFETY: the context is valid during this call.
    let ip = unsafe { _Unwind_GetIP(context) };
    if walk.is_caller_next {
        let register = |number| {
            // SAFETY: as above; functions keep these registers, so the unwinder knows them.
            unsafe { _Unwind_GetGR(context, number) }
        };
        walk.caller = Some(Place {
            rbx: register(RBX),
            rbp: register(RBP),
            r12: register(R12),
            r13: register(R12 + 1),
            r14: register(R12 + 2),
            r15: register(R12 + 3),
            // SAFETY: as above. Where the stack stands once the function has returned.
            rsp: unsafe { _Unwind_GetCFA(context) },
            rip: ip,
        });
        return STOP;
    }
    // A call may be a function's last instruction.
    let inside = ip.wrapping_sub(1) as *mut c_void;
    // SAFETY: it only looks the address up.
    let function = unsafe { _Unwind_FindEnclosingFunction(inside) };
    walk.is_caller_next = function as usize == walk.function;
    GO_ON
}

/// Goes on at a place, as if the function called there had returned a number.
#[unsafe(naked)]
unsafe extern "C" fn go_on(_place: *const Place, _result: usize) -> ! {
    std::arch::naked_asm!(
        "mov rax, rsi",
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 8]",
        "mov r12, [rdi + 16]",
        "mov r13, [rdi + 24]",
        "mov r14, [rdi + 32]",
        "mov r15, [rdi + 40]",
        "mov rsp, [rdi + 48]",
        "jmp [rdi + 56]",
    )
}

/// Returns a number from the innermost call of a function that is running; comes back if there
/// is none.
///
/// # Safety
/// Nothing that the function and those that it has called would still do may be needed, and the
/// function must return an integer.
pub(super) unsafe fn return_from(function: *mut c_void, result: usize) {
    let mut walk = Walk {
        function: function as usize,
        is_caller_next: false,
        caller: None,
    };
    // SAFETY: `visit` gets what it expects.
    unsafe { _Unwind_Backtrace(visit, (&raw mut walk).cast()) };
    if let Some(place) = walk.caller {
        // SAFETY: these are the registers with which the function returns to its caller, whose
        // frame is untouched. The place is read before the stack pointer changes.
        unsafe { go_on(&raw const place, result) }
    }
}
