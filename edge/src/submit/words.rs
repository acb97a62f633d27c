//! Arguments, variables and compiler options.

use runlog_schemas::LanguageDefinition;
use runlog_schemas::api::SubmitRequest;

use super::Problems;

const MOST_ARGS: usize = 256;
const MOST_VARIABLES: usize = 128;
const MOST_OPTIONS: usize = 64;
/// Arguments and variables together, in bytes. The kernel takes a little over this.
const LARGEST: usize = 128 << 10;
const LONGEST_NAME: usize = 128;

const NO_NUL: &str = "text without the character NUL";

pub(super) fn check(
    request: &SubmitRequest,
    language: Option<&LanguageDefinition>,
    problems: &mut Problems,
) {
    let counts = [
        ("args", request.args.len(), MOST_ARGS),
        ("env", request.env.len(), MOST_VARIABLES),
        (
            "compiler_options",
            request.compiler_options.len(),
            MOST_OPTIONS,
        ),
    ];
    for (field, count, most) in counts {
        if count > most {
            problems.add(field, format!("{count} items"), format!("at most {most}"));
        }
    }
    for (index, arg) in request.args.iter().enumerate().take(MOST_ARGS) {
        if arg.contains('\0') {
            problems.add(
                format!("args[{index}]"),
                arg.escape_debug().to_string(),
                NO_NUL,
            );
        }
    }
    for (name, value) in request.env.iter().take(MOST_VARIABLES) {
        let field = format!("env.{}", name.escape_debug());
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(['\0', '=']) {
            let allowed = "a name of 1 to 128 bytes without = and NUL";
            problems.add(field, name.escape_debug().to_string(), allowed);
        } else if value.contains('\0') {
            problems.add(field, value.escape_debug().to_string(), NO_NUL);
        }
    }
    let args: usize = request.args.iter().map(|arg| arg.len() + 1).sum();
    let variables = request.env.iter();
    let env: usize = variables
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    if args + env > LARGEST {
        let given = format!("{} bytes of args and env", args + env);
        problems.add("args", given, format!("at most {LARGEST} bytes together"));
    }
    let Some(language) = language else { return };
    let options = request.compiler_options.iter().enumerate();
    for (index, option) in options.take(MOST_OPTIONS) {
        if let Err(refusal) = language.check_options(std::slice::from_ref(option)) {
            let allowed = match refusal.allowed().as_str() {
                "none" => format!("none; {} takes no compiler options", language.name),
                some => some.to_owned(),
            };
            let field = format!("compiler_options[{index}]");
            problems.add(field, option.escape_debug().to_string(), allowed);
        }
    }
}
