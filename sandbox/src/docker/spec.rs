//! What a container is created with: every setting that isolates it, in one place.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
};

use super::config::{DockerConfig, Runtime};
use super::orphans::Labels;
use super::profile;
use crate::native::body::inodes;
use crate::native::init::REVEALING;

/// Where containers find their init.
const INIT: &str = "/.runlog-init";

/// The memory limit of a container that waits for its first step, which brings its own.
pub(super) const PARKED_MEMORY: u64 = 512 << 20;

/// As above, for processes.
const PARKED_PROCESSES: i64 = 64;

/// The OOM killer prefers containers to all else, and in them programs to init.
const OOM_SCORE: i64 = 500;

/// What a container's root shows beside what [`REVEALING`] names: all of `/sys`, and a place for
/// message queues, which would be a further one to write to.
const MASKED: &[&str] = &["/sys", "/dev/mqueue"];

/// Docker's own list.
const READ_ONLY: &[&str] = &[
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// A container for one cell. It runs as `uid`, which no other container has.
pub(super) fn container(
    config: &DockerConfig,
    labels: &Labels,
    uid: u32,
    disk_bytes: u64,
) -> ContainerCreateBody {
    let mut command = vec![INIT.to_owned()];
    command.extend(config.init_args.iter().cloned());
    ContainerCreateBody {
        image: Some(config.image.clone()),
        hostname: Some("runlog".to_owned()),
        user: Some(format!("{uid}:{uid}")),
        working_dir: Some("/box".to_owned()),
        entrypoint: Some(command),
        cmd: Some(Vec::new()),
        labels: Some(labels.to_map()),
        // With this runc makes an empty network of its own for the container, quicker than the
        // daemon can; gVisor wants one that is made for it.
        network_disabled: Some(config.runtime == Runtime::Runc),
        tty: Some(false),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(true),
        // Init sees the end of its input, and ends, once the worker is gone.
        stdin_once: Some(true),
        host_config: Some(host_config(config, uid, disk_bytes)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(config: &DockerConfig, uid: u32, disk_bytes: u64) -> HostConfig {
    let memory = i64::try_from(PARKED_MEMORY).expect("a constant");
    HostConfig {
        runtime: Some(config.runtime.name().to_owned()),
        privileged: Some(false),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec![
            "no-new-privileges:true".to_owned(),
            format!("seccomp={}", profile::json()),
        ]),
        readonly_rootfs: Some(true),
        binds: Some(binds(config)),
        tmpfs: Some(tmpfs(uid, disk_bytes)),
        shm_size: Some(i64::try_from(disk_bytes).unwrap_or(i64::MAX)),
        memory: Some(memory),
        memory_swap: Some(memory),
        pids_limit: Some(PARKED_PROCESSES),
        oom_score_adj: Some(OOM_SCORE),
        network_mode: Some("none".to_owned()),
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        // Ours reaps, and the program is never process 1.
        init: Some(false),
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".to_owned()),
            config: None,
        }),
        masked_paths: Some(masked()),
        readonly_paths: Some(READ_ONLY.iter().map(|&path| path.to_owned()).collect()),
        ..HostConfig::default()
    }
}

fn masked() -> Vec<String> {
    let of_proc = REVEALING.iter().map(|name| format!("/proc/{name}"));
    let others = MASKED.iter().map(|&path| path.to_owned());
    others.chain(of_proc).collect()
}

/// Read-only, and nothing of them is the program's.
fn binds(config: &DockerConfig) -> Vec<String> {
    let init = format!("{}:{INIT}:ro", config.init.display());
    let more = config.mounts.iter();
    let more = more.map(|it| format!("{}:{}:ro", it.host.display(), it.inside.display()));
    [init].into_iter().chain(more).collect()
}

/// What can be written to, beside `/dev/shm`, which Docker makes itself. Every page counts as the
/// container's memory.
fn tmpfs(uid: u32, disk_bytes: u64) -> HashMap<String, String> {
    let inodes = inodes(disk_bytes);
    let options = |mode: &str| {
        format!(
            "rw,exec,nosuid,nodev,size={disk_bytes},nr_inodes={inodes},mode={mode},uid={uid},gid={uid}"
        )
    };
    HashMap::from([
        ("/box".to_owned(), options("755")),
        ("/tmp".to_owned(), options("1777")),
    ])
}
