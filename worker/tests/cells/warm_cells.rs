//! Cells that are forks of an interpreter keep every promise that cells make.
//!
//! The programs of the conformance suite that are in Python are run by the interpreter that their
//! cell is a fork of; all others are executed in such a cell. Left out is what counts the bytes that
//! an interpreter reads to start, or looks for files beside its program.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use runlog_sandbox::{
    Cell, CellFile, CellSpec, Collect, Collected, Engine, Error, Process, Step, WarmStep,
};

use crate::support::Machine;

const HOST: &str = "python";

/// An engine that gives no other cells than those of the warm host.
struct Warm(Arc<dyn Engine>);

struct WarmCell(Box<dyn Cell>);

impl Engine for Warm {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cell(&self, spec: CellSpec) -> BoxFuture<'_, Result<Box<dyn Cell>, Error>> {
        async move {
            let warm = Some(HOST.to_owned());
            let cell = self.0.cell(CellSpec { warm, ..spec }).await?;
            Ok(Box::new(WarmCell(cell)) as Box<dyn Cell>)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

impl Cell for WarmCell {
    fn was_parked(&self) -> bool {
        self.0.was_parked()
    }

    fn put_files(&mut self, files: Vec<CellFile>) -> BoxFuture<'_, Result<(), Error>> {
        self.0.put_files(files)
    }

    fn start(&mut self, step: Step) -> BoxFuture<'_, Result<Process, Error>> {
        async move {
            let step = match step.argv.as_slice() {
                [python, isolated, command, program]
                    if python == "/usr/bin/python3" && isolated == "-I" && command == "-c" =>
                {
                    let content = Bytes::from(program.clone());
                    let main = CellFile::new("main.py", content);
                    self.0.put_files(vec![main]).await?;
                    Step {
                        warm: Some(WarmStep {
                            runtime: 0,
                            words: vec!["main.py".to_owned()],
                        }),
                        ..step
                    }
                }
                _ => step,
            };
            self.0.start(step).await
        }
        .boxed()
    }

    fn collect(&mut self, wanted: Collect) -> BoxFuture<'_, Result<Collected, Error>> {
        self.0.collect(wanted)
    }

    fn destroy(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        self.0.destroy()
    }
}

async fn engine() -> Arc<Warm> {
    let machine = Machine::start(&[HOST]).await;
    let is_there = || {
        machine
            .engine
            .parked()
            .iter()
            .any(|it| it.warm.is_some() && it.cells > 0)
    };
    while !is_there() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Arc::new(Warm(machine.engine))
}

tests! {
    ends:
        every_exit_code_is_passed_on,
        codes_beyond_a_byte_wrap,
        signals_are_told_from_codes,
        a_self_inflicted_kill_is_no_limit,
        a_program_that_is_not_there_is_told_apart,
        the_kill_handle_kills;
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
        orphans_that_fight_back_die,
        a_destroyed_cell_leaves_no_process,
        a_disk_full_of_traps_goes_away;
    limits:
        the_wall_clock_runs_out,
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
        the_number_of_files_is_limited,
        files_are_limited_in_size,
        endless_recursion_ends_by_itself;
    streams:
        output_is_passed_on_byte_for_byte,
        what_was_written_before_the_exit_arrives,
        output_arrives_while_the_program_runs,
        input_is_passed_on_byte_for_byte_and_ends,
        a_signal_overtakes_input_that_nobody_reads,
        an_unhandled_signal_ends_the_program,
        one_byte_at_a_time_keeps_its_order,
        arguments_and_environment_are_exact,
        streams_can_be_opened_by_name;
    terminal:
        the_program_is_on_a_terminal_of_its_own,
        what_is_typed_is_echoed_and_read,
        a_resize_reaches_the_program,
        control_c_interrupts,
        control_d_ends_the_input,
        the_last_output_before_the_end_arrives;
}
