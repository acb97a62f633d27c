//! The smallest programs that there are: a few system calls, put together here, so that probing
//! needs no compiler and no interpreter in the cell.

/// One system call and what it must answer; an error is its negative number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: i64,
    pub(super) arguments: [u64; 3],
    pub(super) expected: i32,
}

/// Where the program is loaded.
const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;

/// A program that makes these calls, eight at most; its exit code has a bit set for each one that
/// answered otherwise.
pub(super) fn calls(calls: &[Call]) -> Vec<u8> {
    // xor r15d, r15d
    let mut code = vec![0x45, 0x31, 0xff];
    for (bit, call) in calls.iter().enumerate() {
        code.push(0xb8); // mov eax, number
        code.extend((call.number as u32).to_le_bytes());
        for (mov, argument) in [[0x48, 0xbf], [0x48, 0xbe], [0x48, 0xba]]
            .iter()
            .zip(call.arguments)
        {
            code.extend(mov); // mov rdi, rsi or rdx, argument
            code.extend(argument.to_le_bytes());
        }
        code.extend([0x45, 0x31, 0xd2, 0x0f, 0x05]); // xor r10d, r10d; syscall
        code.extend([0x48, 0x3d]); // cmp rax, expected
        code.extend(call.expected.to_le_bytes());
        code.extend([0x74, 0x07, 0x41, 0x81, 0xcf]); // je over; or r15d, bit
        code.extend((1_u32 << bit).to_le_bytes());
    }
    // mov eax, 60; mov edi, r15d; syscall
    code.extend([0xb8, 60, 0, 0, 0, 0x44, 0x89, 0xff, 0x0f, 0x05]);
    executable(&code)
}

/// A program that asks for its process number through the 32-bit gate and then ends well.
pub(super) fn old_gate() -> Vec<u8> {
    // mov eax, 20; int 0x80; mov eax, 60; xor edi, edi; syscall
    executable(&[
        0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05,
    ])
}

fn executable(code: &[u8]) -> Vec<u8> {
    let length = HEADERS + code.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]); // executable, x86-64
    file.extend((BASE + HEADERS).to_le_bytes()); // entry
    file.extend(64_u64.to_le_bytes()); // program headers
    file.extend([0; 8 + 4]); // no sections, no flags
    for field in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(field.to_le_bytes());
    }
    file.extend([1, 0, 0, 0, 5, 0, 0, 0]); // loaded, to be read and executed
    for field in [0, BASE, BASE, length, length, 0x1000] {
        file.extend(field.to_le_bytes());
    }
    file.extend(code);
    file
}
