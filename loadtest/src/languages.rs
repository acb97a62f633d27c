//! Hello world in several languages, from `POST` to the terminal event, each beside what somebody
//! would type without Runlog.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use runlog_client::Client;
use runlog_schemas::api::SubmitRequest;
use tempfile::TempDir;

use crate::bare::HELLO_OUTPUT;
use crate::latency::watch;
use crate::report::{Figure, Report, say};
use crate::stats::Samples;
use crate::system::System;

/// How languages are measured.
#[derive(Args, Debug)]
pub(crate) struct LanguagesArgs {
    /// Hello worlds of each language; a tenth of it where a compiler runs
    #[arg(long, default_value_t = LanguagesArgs::default().rounds)]
    rounds: u32,
}

impl Default for LanguagesArgs {
    fn default() -> Self {
        Self { rounds: 200 }
    }
}

/// A way to write hello world.
struct Case {
    language: &'static str,
    file: &'static str,
    source: &'static str,
    /// What is typed without Runlog, one command after the other.
    typed: &'static [&'static [&'static str]],
    /// Whether a compiler runs, for a program that nobody has compiled before.
    compiles: bool,
    /// The names of its figures: bare, through Runlog, and their ratio.
    figures: [&'static str; 3],
    /// What the ratio should be at most.
    most: f64,
}

const C: &str = "#include <stdio.h>\n\nint main(void) {\n    puts(\"Hello, world\");\n}\n";
const CXX: &str = "#include <iostream>\n\nint main() {\n    std::cout << \"Hello, world\\n\";\n}\n";
const JAVA: &str = "public class Main {\n    public static void main(String[] args) {\n        \
    System.out.println(\"Hello, world\");\n    }\n}\n";

const JAVA_TYPED: &[&[&str]] = &[&["javac", "Main.java"], &["java", "Main"]];
const CXX_TYPED: &[&[&str]] = &[&["g++", "-O2", "-o", "main", "main.cpp"], &["./main"]];

const CASES: &[Case] = &[
    Case {
        language: "python",
        file: "main.py",
        source: crate::bare::HELLO,
        typed: &[&["python3", "main.py"]],
        compiles: false,
        figures: ["python_bare", "python_post_to_end", "python_ratio_p50"],
        most: 1.0,
    },
    Case {
        language: "javascript",
        file: "main.js",
        source: "console.log(\"Hello, world\");\n",
        typed: &[&["node", "main.js"]],
        compiles: false,
        figures: ["node_bare", "node_post_to_end", "node_ratio_p50"],
        most: 1.0,
    },
    Case {
        language: "php",
        file: "main.php",
        source: "<?php echo \"Hello, world\\n\";\n",
        typed: &[&["php", "main.php"]],
        compiles: false,
        figures: ["php_bare", "php_post_to_end", "php_ratio_p50"],
        most: 1.0,
    },
    Case {
        language: "ruby",
        file: "main.rb",
        source: "puts \"Hello, world\"\n",
        typed: &[&["ruby", "main.rb"]],
        compiles: false,
        figures: ["ruby_bare", "ruby_post_to_end", "ruby_ratio_p50"],
        most: 1.0,
    },
    Case {
        language: "java",
        file: "Main.java",
        source: JAVA,
        typed: JAVA_TYPED,
        compiles: true,
        figures: ["java_bare", "java_post_to_end", "java_ratio_p50"],
        most: 0.25,
    },
    Case {
        language: "java",
        file: "Main.java",
        source: JAVA,
        typed: JAVA_TYPED,
        compiles: false,
        figures: [
            "java_bare_again",
            "java_cached_post_to_end",
            "java_cached_ratio_p50",
        ],
        most: 0.25,
    },
    Case {
        language: "cpp",
        file: "main.cpp",
        source: CXX,
        typed: CXX_TYPED,
        compiles: true,
        figures: ["cpp_bare", "cpp_post_to_end", "cpp_ratio_p50"],
        most: 0.7,
    },
    Case {
        language: "cpp",
        file: "main.cpp",
        source: CXX,
        typed: CXX_TYPED,
        compiles: false,
        figures: [
            "cpp_bare_again",
            "cpp_cached_post_to_end",
            "cpp_cached_ratio_p50",
        ],
        most: 0.7,
    },
    Case {
        language: "c",
        file: "main.c",
        source: C,
        typed: &[&["gcc", "-O2", "-o", "main", "main.c"], &["./main"]],
        compiles: true,
        figures: ["c_bare", "c_post_to_end", "c_ratio_p50"],
        most: 1.5,
    },
];

/// All languages, one after the other.
pub(crate) async fn measure(
    args: &LanguagesArgs,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    for case in CASES {
        let doing = || format!("hello world in {}", case.language);
        case.measure(args, system.client(), report)
            .await
            .with_context(doing)?;
    }
    Ok(())
}

impl Case {
    async fn measure(
        &self,
        args: &LanguagesArgs,
        client: &Client,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        say(&format!("{}, beside {:?}", self.figures[1], self.typed));
        let slow = self.typed.len() > 1;
        let rounds = if slow {
            args.rounds.div_ceil(10)
        } else {
            args.rounds
        };
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let path = folder.path().join(self.file);
        std::fs::write(path, self.source).context("cannot write the program")?;
        // Connections, caches, the first cells; and what was compiled before is kept meanwhile.
        for number in 0..3 {
            self.hello(client, number).await?;
        }
        let (mut bare, mut whole) = (Samples::new(), Samples::new());
        for number in 0..rounds {
            bare.record(self.alone(&folder)?);
            whole.record(self.hello(client, 1_000 + number).await?);
        }
        let [bare_name, whole_name, ratio_name] = self.figures;
        let ratio = whole.percentile_ms(50.0) / bare.percentile_ms(50.0);
        report.add(Figure::times(bare_name, &bare));
        report.add(Figure::times(whole_name, &whole));
        let ratio = Figure::single(ratio_name, "x", whole.count(), ratio);
        report.add(ratio.at_most("value", self.most));
        if self.language == "python" {
            let spread = whole.percentile_ms(99.0) / whole.percentile_ms(50.0);
            let spread = Figure::single("python_p99_to_p50", "x", whole.count(), spread);
            report.add(spread.at_most("value", 3.0));
        }
        Ok(())
    }

    /// Through everything.
    async fn hello(&self, client: &Client, number: u32) -> anyhow::Result<Duration> {
        let mut source = self.source.to_owned();
        if self.compiles {
            // So that it was not compiled before, here or in an earlier run.
            source += &format!("// {number} of {}\n", std::process::id());
        }
        let request = SubmitRequest {
            language: self.language.to_owned(),
            source: Some(source),
            ..SubmitRequest::default()
        };
        let begin = Instant::now();
        let accepted = client.submit(&request, None).await?;
        let (end, stdout) = watch(client, accepted.id).await?;
        let took = begin.elapsed();
        ensure!(stdout == HELLO_OUTPUT, "{} printed something else", end.id);
        let used = end.measurements.context("an end without measurements")?;
        let cached = used.compile_cached;
        let should_be = self.typed.len() > 1 && !self.compiles && number >= 1_000;
        ensure!(!should_be || cached, "it was compiled once more");
        ensure!(!self.compiles || !cached, "it had been compiled before");
        Ok(took)
    }

    /// Without Runlog.
    fn alone(&self, folder: &TempDir) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let mut stdout = Vec::new();
        for words in self.typed {
            let output = Command::new(words[0])
                .args(&words[1..])
                .current_dir(folder.path())
                // What whoever measures has set up in a shell of their own counts for neither.
                .env_clear()
                .env("PATH", "/usr/local/bin:/usr/bin:/bin")
                .env("HOME", folder.path())
                .env("LANG", "C.UTF-8")
                .stdin(Stdio::null())
                .output()
                .with_context(|| format!("cannot run {}", words[0]))?;
            ensure!(output.status.success(), "{words:?}: {output:?}");
            stdout = output.stdout;
        }
        let took = begin.elapsed();
        ensure!(
            stdout == HELLO_OUTPUT,
            "{:?} printed something else",
            self.typed
        );
        Ok(took)
    }
}
