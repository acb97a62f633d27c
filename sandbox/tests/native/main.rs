//! The native engine, for real. Needs root.

#[path = "../conformance/mod.rs"]
mod conformance;
mod machine;
mod soak;
mod toolchains;

use std::sync::Arc;

use runlog_sandbox::native::{NativeConfig, NativeEngine, SpawnerCommand};

fn config() -> NativeConfig {
    NativeConfig {
        spawner: SpawnerCommand {
            program: env!("CARGO_BIN_EXE_cell-spawner").into(),
            args: Vec::new(),
        },
        ..NativeConfig::new()
    }
}

async fn engine() -> Arc<NativeEngine> {
    Arc::new(
        NativeEngine::start(config())
            .await
            .expect("every layer is there"),
    )
}

conformance::suite! {
    super::engine;
    collect:
        what_a_step_made_comes_out_byte_for_byte,
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
