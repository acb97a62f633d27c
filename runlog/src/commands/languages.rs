//! `runlog languages`.

use clap::Args;
use runlog_schemas::api::LanguageView;

use crate::config::EdgeConfig;
use crate::failure::Failure;
use crate::table;
use crate::writer::{Writer, plain};

/// List the languages, with the exact versions that the workers found
///
/// With --json: one document, as GET /v1/languages answers.
#[derive(Args, Debug)]
pub(crate) struct LanguagesArgs {
    /// Print the first program of this language instead, byte for byte
    #[arg(long, value_name = "LANGUAGE")]
    hello: Option<String>,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl LanguagesArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let languages = self.edge.client().languages().await?;
        if let Some(wanted) = &self.hello {
            let found = languages.languages.iter().find(|it| is(it, wanted));
            let found = found.ok_or_else(|| {
                Failure::Usage(format!(
                    "no language {wanted:?}; `runlog languages` lists them"
                ))
            })?;
            writer.document(found.hello_world.as_bytes())?;
        } else if writer.wants_json() {
            writer.json(&languages)?;
        } else {
            let rows: Vec<_> = languages.languages.iter().map(row).collect();
            for line in table::lines(["ID", "NAME", "VERSION", "FILES", "ALIASES"], &rows) {
                writer.line(&line)?;
            }
        }
        Ok(0)
    }
}

/// Whether the language is called so.
pub(crate) fn is(language: &LanguageView, name: &str) -> bool {
    language.id == name || language.aliases.iter().any(|it| it == name)
}

fn row(language: &LanguageView) -> [String; 5] {
    let version = match (&language.version, &language.unavailable_because) {
        (Some(version), _) if language.available => version.clone(),
        (_, Some(because)) => format!("unavailable: {because}"),
        (_, None) => "unavailable".to_owned(),
    };
    let files: Vec<_> = language
        .extensions
        .iter()
        .map(|it| format!(".{it}"))
        .collect();
    [
        language.id.clone(),
        language.name.clone(),
        plain(&version),
        files.join(" "),
        language.aliases.join(" "),
    ]
}
