//! What every engine promises, as tests that take any engine.
//!
//! [`suite!`] names them all. The programs are Python and shell scripts, so
//! an engine's cells must have `/usr/bin/python3`, `/bin/sh` and `/usr/bin/gcc`.

pub(crate) mod collect;
pub(crate) mod ends;
pub(crate) mod isolation;
pub(crate) mod leftovers;
pub(crate) mod limits;
pub(crate) mod streams;
pub(crate) mod terminal;

use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::{
    Cell, CellFile, CellSpec, Engine, OutputStream, Process, Step, StepEnd, StepLimits,
};

/// The engine under test.
pub(crate) type Tested = Arc<dyn Engine>;

/// Whether cells are containers, in which a few things are as Docker makes them: the program's uid
/// is one of the machine's, init has the same one and is seen, each writable place has a size of
/// its own, and the daemon's marks are there.
pub(crate) fn in_containers(engine: &Tested) -> bool {
    engine.name() != "native"
}

/// Hands the names of all functions of the suite to a macro, by their modules.
macro_rules! suite {
    ($each:ident) => {
        $each! {
            collect:
                what_a_step_made_comes_out_byte_for_byte,
                patterns_stand_for_what_fits_them,
                what_came_out_can_be_put_into_another_cell,
                traps_stay_in_the_cell,
                files_come_out_once_everything_is_dead;
            ends:
                every_exit_code_is_passed_on,
                codes_beyond_a_byte_wrap,
                signals_are_told_from_codes,
                a_self_inflicted_kill_is_no_limit,
                a_program_that_is_not_there_is_told_apart,
                the_kill_handle_kills,
                what_was_used_is_measured;
            isolation:
                the_network_is_empty,
                the_machines_own_ports_are_not_there,
                a_cells_own_loopback_works,
                abstract_sockets_of_the_machine_are_not_there,
                the_machines_files_are_not_there,
                secrets_of_proc_are_hidden,
                only_its_own_processes_are_there,
                it_is_nobody_with_no_rights,
                nothing_outside_its_disk_is_writable,
                dangerous_system_calls_are_refused,
                a_32_bit_call_kills,
                setuid_programs_stay_as_they_are,
                one_cell_leaves_nothing_for_another,
                only_three_descriptors_are_open,
                files_of_the_engine_cannot_be_replaced;
            leftovers:
                nothing_survives_between_two_steps,
                a_program_is_compiled_and_run,
                orphans_that_fight_back_die,
                a_destroyed_cell_leaves_no_process,
                a_disk_full_of_traps_goes_away,
                a_hundred_runs_leave_the_machine_as_it_was;
            limits:
                the_wall_clock_runs_out,
                a_stopped_program_runs_out_of_time,
                cpu_time_runs_out,
                cpu_time_is_summed_over_processes,
                cpu_time_is_summed_over_threads,
                memory_runs_out,
                memory_of_a_child_counts,
                memory_is_summed_over_processes,
                a_refused_allocation_is_no_memory_limit,
                processes_are_limited,
                threads_are_processes,
                a_fork_bomb_is_killed_at_once,
                the_disk_is_limited,
                the_disk_has_the_size_asked_for,
                the_number_of_files_is_limited,
                files_are_limited_in_size,
                endless_recursion_ends_by_itself,
                a_disk_that_is_fuller_than_the_memory_limit_is_no_error,
                socket_buffers_are_limited,
                a_crowd_does_not_starve_a_neighbour;
            streams:
                output_is_passed_on_byte_for_byte,
                what_was_written_before_the_exit_arrives,
                what_was_written_before_a_kill_arrives,
                output_arrives_while_the_program_runs,
                input_is_passed_on_byte_for_byte_and_ends,
                input_that_nobody_reads_does_not_stall,
                a_signal_overtakes_input_that_nobody_reads,
                an_unhandled_signal_ends_the_program,
                a_closed_output_does_not_end_the_step,
                output_through_another_descriptor_arrives,
                children_that_hold_the_output_do_not_delay_the_end,
                output_held_in_flight_does_not_delay_the_end,
                games_with_descriptor_flags_hurt_nobody,
                one_byte_at_a_time_keeps_its_order,
                a_slow_reader_delays_no_limit,
                a_process_that_is_let_go_of_runs_on,
                times_of_output_rise,
                files_are_there_byte_for_byte,
                files_replace_what_is_in_their_way,
                arguments_and_environment_are_exact,
                streams_can_be_opened_by_name,
                letting_go_of_the_input_ends_it;
            terminal:
                the_program_is_on_a_terminal_of_its_own,
                what_is_typed_is_echoed_and_read,
                a_resize_reaches_the_program,
                control_c_interrupts,
                control_d_ends_the_input,
                a_signal_goes_to_the_foreground_group,
                the_last_output_before_the_end_arrives,
                background_jobs_do_not_keep_the_terminal,
                a_terminal_can_be_closed_and_opened_again,
                two_steps_have_two_terminals;
        }
    };
}
pub(crate) use suite;

/// Room for everything that is not about limits.
pub(crate) const DISK: u64 = 64 << 20;

/// A step that may do a lot.
pub(crate) fn step(argv: &[&str]) -> Step {
    Step {
        argv: argv.iter().map(|&arg| arg.to_owned()).collect(),
        env: vec![
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("HOME".into(), "/box".into()),
        ],
        limits: StepLimits {
            wall: Duration::from_secs(60),
            cpu: Duration::from_secs(30),
            memory_bytes: 512 << 20,
            processes: 64,
            file_bytes: 64 << 20,
        },
        terminal: None,
        warm: None,
    }
}

/// A step that runs a Python program.
pub(crate) fn python(program: &str) -> Step {
    step(&["/usr/bin/python3", "-I", "-c", program])
}

/// A step that runs a shell program.
pub(crate) fn sh(program: &str) -> Step {
    step(&["/bin/sh", "-c", program])
}

/// A step with other limits.
pub(crate) fn limited(mut step: Step, change: impl FnOnce(&mut StepLimits)) -> Step {
    change(&mut step.limits);
    step
}

/// What a step has done.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) end: StepEnd,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Reads a process to its end.
pub(crate) async fn finish(mut process: Process) -> Ran {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(output) = process.output.recv().await {
        let sink = match output.stream {
            OutputStream::Stdout => &mut stdout,
            OutputStream::Stderr => &mut stderr,
        };
        sink.extend_from_slice(&output.bytes);
    }
    let end = process
        .end
        .await
        .expect("the engine tells the end")
        .expect("no system error");
    Ran {
        end,
        stdout,
        stderr,
    }
}

/// A cell with room for everything.
pub(crate) async fn cell(engine: &Tested) -> Box<dyn Cell> {
    engine
        .cell(CellSpec {
            disk_bytes: DISK,
            warm: None,
        })
        .await
        .expect("a cell")
}

/// Runs a step with an empty standard input in a cell of its own.
pub(crate) async fn run(engine: &Tested, step: Step) -> Ran {
    let mut cell = cell(engine).await;
    let ran = run_in(&mut cell, step).await;
    cell.destroy().await.expect("a clean end");
    ran
}

/// Runs a step with an empty standard input.
pub(crate) async fn run_in(cell: &mut Box<dyn Cell>, step: Step) -> Ran {
    let process = cell.start(step).await.expect("a start");
    process.input.eof().await;
    finish(process).await
}

/// Reads output until a text was seen.
pub(crate) async fn read_until(process: &mut Process, seen: &mut Vec<u8>, text: &str) {
    while !String::from_utf8_lossy(seen).contains(text) {
        let output = process.output.recv().await;
        let output = output.unwrap_or_else(|| {
            panic!(
                "{text:?} never came, but {:?}",
                String::from_utf8_lossy(seen)
            )
        });
        seen.extend_from_slice(&output.bytes);
    }
}

pub(crate) fn file(name: &str, content: &'static str) -> CellFile {
    CellFile::new(name, content)
}

/// Compiles a C program in a cell and gives the cell, in which it is `./program`.
pub(crate) async fn compiled(engine: &Tested, source: &'static str) -> Box<dyn Cell> {
    let mut cell = cell(engine).await;
    cell.put_files(vec![file("program.c", source)])
        .await
        .expect("a file");
    let gcc = [
        "/usr/bin/gcc",
        "-O1",
        "-pthread",
        "-o",
        "program",
        "program.c",
    ];
    let ran = run_in(&mut cell, step(&gcc)).await;
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(
        ran.end.cause,
        runlog_sandbox::Cause::Exited { code: 0 },
        "{said}"
    );
    cell
}
