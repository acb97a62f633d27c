//! The native engine: namespaces, cgroups, seccomp; no daemon.
