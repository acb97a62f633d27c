//! Figures: as a table for people, as JSON for comparing.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::machine::Machine;
use crate::stats::Samples;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    figures: Vec<Figure>,
}

/// One thing that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// A stable name.
    name: &'static str,
    unit: &'static str,
    /// How many samples it is made of.
    count: u64,
    #[serde(flatten)]
    values: Values,
    targets: Vec<Target>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Values {
    Distribution {
        p50: f64,
        p90: f64,
        p99: f64,
        max: f64,
    },
    Single {
        value: f64,
    },
}

/// What a figure should be.
#[derive(Debug, Serialize)]
struct Target {
    /// Which of its values.
    of: &'static str,
    /// `at_most` or `at_least`.
    bound: &'static str,
    limit: f64,
    met: bool,
}

impl Figure {
    /// Durations, in milliseconds.
    pub(crate) fn times(name: &'static str, samples: &Samples) -> Self {
        let values = Values::Distribution {
            p50: samples.percentile_ms(50.0),
            p90: samples.percentile_ms(90.0),
            p99: samples.percentile_ms(99.0),
            max: samples.max_ms(),
        };
        Self {
            name,
            unit: "ms",
            count: samples.count(),
            values,
            targets: Vec::new(),
        }
    }

    /// One number, made of `count` samples.
    pub(crate) const fn single(
        name: &'static str,
        unit: &'static str,
        count: u64,
        value: f64,
    ) -> Self {
        Self {
            name,
            unit,
            count,
            values: Values::Single { value },
            targets: Vec::new(),
        }
    }

    /// The value `of` (`p50`, `p90`, `p99`, `max` or `value`) should be at most that.
    pub(crate) fn at_most(mut self, of: &'static str, limit: f64) -> Self {
        let met = self.value(of) <= limit;
        self.targets.push(Target {
            of,
            bound: "at_most",
            limit,
            met,
        });
        self
    }

    /// The value should be at least that.
    pub(crate) fn at_least(mut self, of: &'static str, limit: f64) -> Self {
        let met = self.value(of) >= limit;
        self.targets.push(Target {
            of,
            bound: "at_least",
            limit,
            met,
        });
        self
    }

    fn value(&self, of: &str) -> f64 {
        match (&self.values, of) {
            (Values::Distribution { p50, .. }, "p50") => *p50,
            (Values::Distribution { p90, .. }, "p90") => *p90,
            (Values::Distribution { p99, .. }, "p99") => *p99,
            (Values::Distribution { max, .. }, "max") => *max,
            (Values::Single { value }, "value") => *value,
            // Compares as missed.
            (Values::Distribution { .. } | Values::Single { .. }, _) => f64::NAN,
        }
    }

    fn cells(&self) -> [String; 8] {
        let number = |it: f64| format!("{it:.2}");
        let [value, p50, p90, p99, max] = match self.values {
            Values::Single { value } => [Some(value), None, None, None, None],
            Values::Distribution { p50, p90, p99, max } => {
                [None, Some(p50), Some(p90), Some(p99), Some(max)]
            }
        }
        .map(|it| it.map(number).unwrap_or_default());
        let targets: Vec<_> = self.targets.iter().map(Target::words).collect();
        [
            format!("{} ({})", self.name, self.unit),
            self.count.to_string(),
            value,
            p50,
            p90,
            p99,
            max,
            targets.join(", "),
        ]
    }
}

impl Target {
    fn words(&self) -> String {
        let sign = if self.bound == "at_most" { "<=" } else { ">=" };
        let verdict = if self.met { "met" } else { "MISSED" };
        format!("{} {sign} {}: {verdict}", self.of, self.limit)
    }
}

impl Report {
    /// Nothing measured yet.
    pub(crate) fn new() -> Self {
        Self {
            machine: Machine::look(),
            figures: Vec::new(),
        }
    }

    /// Takes a figure, and shows it at once: the whole takes minutes.
    pub(crate) fn add(&mut self, figure: Figure) {
        let [name, count, value, p50, p90, p99, _, targets] = figure.cells();
        let values = [value, p50, p90, p99]
            .into_iter()
            .filter(|it| !it.is_empty());
        let values = values.collect::<Vec<_>>().join(" / ");
        say(&format!("{name}: {values} (n = {count}) {targets}"));
        self.figures.push(figure);
    }

    /// Whether every target of every figure is met.
    pub(crate) fn targets_are_met(&self) -> bool {
        self.figures
            .iter()
            .flat_map(|it| &it.targets)
            .all(|it| it.met)
    }

    /// Prints the table on standard output.
    pub(crate) fn print(&self) -> io::Result<()> {
        let head = ["FIGURE", "N", "VALUE", "P50", "P90", "P99", "MAX", "TARGET"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.figures.iter().map(Figure::cells));
        let mut widths = [0; 8];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.len());
            }
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{}", self.machine)?;
        for row in &rows {
            let mut line = format!("{:<1$}", row[0], widths[0]);
            for (cell, width) in row.iter().zip(widths).take(7).skip(1) {
                line = format!("{line}  {cell:>width$}");
            }
            writeln!(out, "{}", format!("{line}  {}", row[7]).trim_end())?;
        }
        Ok(())
    }

    /// Writes all of it as JSON.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(cannot)?;
        }
        let json = serde_json::to_string_pretty(self).context("figures are plain data")?;
        std::fs::write(path, json + "\n").with_context(cannot)
    }
}

/// Prints a line of an answer on standard output.
pub(crate) fn print_line(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", line.trim_end())
}

/// Tells how it goes, on standard error.
pub(crate) fn say(words: &str) {
    // There is nobody left to tell when standard error fails.
    writeln!(io::stderr(), "loadtest: {words}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_judged() {
        let met = Figure::single("a", "MB", 1, 99.0).at_most("value", 100.0);
        let missed = Figure::single("b", "x", 1, 0.4).at_least("value", 0.5);
        assert!(met.targets[0].met);
        assert!(!missed.targets[0].met);
        let mut report = Report::new();
        report.add(met);
        assert!(report.targets_are_met());
        report.add(missed);
        assert!(!report.targets_are_met());
    }

    #[test]
    fn a_target_of_a_value_that_is_not_there_is_missed() {
        let figure = Figure::single("a", "MB", 1, 1.0).at_most("p99", 100.0);
        assert!(!figure.targets[0].met);
    }

    #[test]
    fn json_has_the_values_beside_the_name() {
        let mut samples = Samples::new();
        samples.record(std::time::Duration::from_millis(2));
        let figure = Figure::times("hello", &samples).at_most("p99", 5.0);
        let json = serde_json::to_value(figure).unwrap();
        assert_eq!(json["name"], "hello");
        assert!(
            json["p50"]
                .as_f64()
                .is_some_and(|it| (it - 2.0).abs() < 0.01)
        );
        assert_eq!(json["targets"][0]["met"], true);
    }
}
