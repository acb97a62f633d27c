//! The native engine, for real. Needs root.

mod conformance;

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
    ends:
        every_exit_code_is_passed_on,
        codes_beyond_a_byte_wrap,
        signals_are_told_from_codes,
        a_self_inflicted_kill_is_no_limit,
        a_program_that_is_not_there_is_told_apart,
        the_kill_handle_kills,
        what_was_used_is_measured;
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
        a_disk_that_is_fuller_than_the_memory_limit_is_no_error;
}
