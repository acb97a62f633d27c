//! Limits of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::failed;
use crate::failure::Failure;

/// Raises the number of files that may be open to what is allowed: every connection is one.
pub(crate) fn raise_file_limit() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| failed("cannot raise the limit of open files", &error))
}
