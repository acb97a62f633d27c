//! The spawner of cells as a program of its own, for this crate's tests; the `runlog` program has
//! it as a hidden command.

fn main() -> std::process::ExitCode {
    runlog_sandbox::native::spawner_main()
}
