//! The files that are to be given back.

use runlog_schemas::{MOST_OUTPUT_PATHS, output_path_problem};

use super::Problems;

pub(super) fn check(paths: &[String], problems: &mut Problems) {
    if paths.len() > MOST_OUTPUT_PATHS {
        let allowed = format!("at most {MOST_OUTPUT_PATHS}");
        problems.add("output_files", format!("{} paths", paths.len()), allowed);
    }
    for (index, path) in paths.iter().enumerate().take(MOST_OUTPUT_PATHS) {
        let field = format!("output_files[{index}]");
        if let Some(allowed) = output_path_problem(path) {
            problems.add(field, path.escape_debug().to_string(), allowed);
        } else if paths[..index].contains(path) {
            problems.add(field, path, "a path that was not named before");
        }
    }
}
