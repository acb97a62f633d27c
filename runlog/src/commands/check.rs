//! `runlog worker --check`: what this machine keeps apart.

use runlog_sandbox::native::{Finding, LayerState};
use serde_json::json;

use crate::failure::{self, Failure};
use crate::services::Checked;
use crate::table;
use crate::writer::Writer;

/// Prints what was found; the exit code says whether a worker would serve.
pub(super) fn tell(
    checked: &Checked,
    allowed: &[runlog_sandbox::native::Layer],
    writer: &mut Writer,
) -> Result<u8, Failure> {
    match checked {
        Checked::Layers(findings) => tell_layers(findings, allowed, writer),
        Checked::Containers { warnings } => tell_containers(warnings, writer),
    }
}

/// A daemon whose containers do not hold is an error before this.
fn tell_containers(warnings: &[String], writer: &mut Writer) -> Result<u8, Failure> {
    if writer.wants_json() {
        writer.json(&json!({ "serves": true, "warnings": warnings }))?;
        return Ok(0);
    }
    for warning in warnings {
        writer.line(&format!("warning: {warning}"))?;
    }
    writer.line("Containers hold what they promise: a worker serves here.")?;
    Ok(0)
}

fn tell_layers(
    findings: &[Finding],
    allowed: &[runlog_sandbox::native::Layer],
    writer: &mut Writer,
) -> Result<u8, Failure> {
    let refused: Vec<_> = findings
        .iter()
        .filter(|it| it.state != LayerState::Holds && it.layer.is_required())
        .filter(|it| !allowed.contains(&it.layer))
        .map(|it| it.layer.name())
        .collect();
    let serves = refused.is_empty();
    if writer.wants_json() {
        let layers: Vec<_> = findings.iter().map(document).collect();
        writer.json(&json!({ "serves": serves, "missing": refused, "layers": layers }))?;
    } else {
        let rows: Vec<_> = findings.iter().map(row).collect();
        let head = ["LAYER", "HERE", "NEEDED", "WHAT IT KEEPS APART"];
        for line in table::lines(head, &rows) {
            writer.line(&line)?;
        }
        writer.line("")?;
        for finding in findings {
            if let Some(found) = finding.missing() {
                writer.line(&format!("{}: {found}", finding.layer))?;
            }
        }
        writer.line(&verdict(&refused, findings))?;
    }
    Ok(if serves { 0 } else { failure::NO })
}

fn verdict(refused: &[&str], findings: &[Finding]) -> String {
    let missing = findings.iter().any(|it| it.missing().is_some());
    match (refused, missing) {
        ([], false) => "Every layer holds: a worker serves here.".to_owned(),
        ([], true) => {
            "What is needed holds or was allowed to be missing: a worker serves here.".to_owned()
        }
        (layers, _) => format!(
            "No worker serves here: {} missing or unproven.",
            layers.join(", ")
        ),
    }
}

fn state(finding: &Finding) -> &'static str {
    match finding.state {
        LayerState::Holds => "holds",
        LayerState::Missing(_) => "missing",
        LayerState::Unknown => "unproven",
    }
}

fn need(finding: &Finding) -> &'static str {
    match finding.layer.is_required() {
        true => "required",
        false => "in depth",
    }
}

fn row(finding: &Finding) -> [String; 4] {
    let layer = finding.layer;
    [layer.name(), state(finding), need(finding), layer.keeps()].map(str::to_owned)
}

fn document(finding: &Finding) -> serde_json::Value {
    json!({
        "layer": finding.layer.name(),
        "state": state(finding),
        "required": finding.layer.is_required(),
        "keeps": finding.layer.keeps(),
        "found": finding.missing(),
    })
}

#[cfg(test)]
mod tests {
    use runlog_sandbox::native::Layer;

    use super::*;
    use crate::config::Speech;
    use crate::writer::tests::memory;

    fn findings(missing: Layer) -> Vec<Finding> {
        let state = |layer| match layer == missing {
            true => LayerState::Missing("nothing there".to_owned()),
            false => LayerState::Holds,
        };
        let all = Layer::ALL.into_iter();
        all.map(|layer| Finding {
            layer,
            state: state(layer),
        })
        .collect()
    }

    fn told(findings: &[Finding], allowed: &[Layer]) -> (u8, String) {
        let (mut writer, out, _) = memory(Speech::default());
        let code = tell_layers(findings, allowed, &mut writer).unwrap();
        (code, out.text())
    }

    #[test]
    fn a_required_layer_that_is_missing_is_named_and_refuses() {
        let (code, text) = told(&findings(Layer::Seccomp), &[]);
        assert_eq!(code, failure::NO);
        assert!(text.contains("seccomp: nothing there\n"), "{text}");
        assert!(
            text.ends_with("No worker serves here: seccomp missing or unproven.\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_allowed_or_in_depth_may_be_missing() {
        for (missing, allowed) in [
            (Layer::Seccomp, vec![Layer::Seccomp]),
            (Layer::Landlock, Vec::new()),
        ] {
            let (code, text) = told(&findings(missing), &allowed);
            assert_eq!(code, 0);
            assert!(text.contains("missing"), "{text}");
        }
    }
}
