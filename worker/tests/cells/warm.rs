//! What a program prints and how it ends is the same whether its runtime was started before or by
//! itself.

use runlog_sandbox::{Terminal, WindowSize};

use crate::alike::{Bench, programs};

const TERMINAL: Terminal = Terminal {
    size: WindowSize {
        columns: 80,
        rows: 24,
    },
};

/// What a program prints in the end.
async fn printed(bench: &Bench, source: &'static str, is_warm: bool) -> String {
    let mut steps = bench.run(source, is_warm, None).await;
    steps.pop().expect("at least one step").stdout
}

const PYTHON: &str = include_str!("alike/python.txt");

#[tokio::test]
async fn python_in_pipes() {
    let bench = Bench::start("python").await;
    assert!(programs(PYTHON).len() >= 40);
    bench.compare(PYTHON, None).await;
    bench.stop().await;
}

#[tokio::test]
async fn python_on_a_terminal() {
    let bench = Bench::start("python").await;
    bench.compare(PYTHON, Some(TERMINAL)).await;
    bench.stop().await;
}

/// Only an interpreter that cells are forks of was started with the hook.
#[tokio::test]
async fn python_is_really_forked() {
    let bench = Bench::start("python").await;
    let look = "print('/box/warm' in open('/proc/self/environ').read())";
    assert_eq!(printed(&bench, look, true).await, "True\n");
    assert_eq!(printed(&bench, look, false).await, "False\n");
    bench.stop().await;
}

#[tokio::test]
async fn runs_have_other_seeds() {
    let bench = Bench::start("python").await;
    let look = "import random; print(random.random())";
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        seen.insert(printed(&bench, look, true).await);
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    // What was drawn when the interpreter started is not the same for good.
    let first = printed(&bench, "print(hash('a'))", true).await;
    while printed(&bench, "print(hash('a'))", true).await == first {}
    bench.stop().await;
}

const JAVASCRIPT: &str = include_str!("alike/javascript.txt");

#[tokio::test]
async fn javascript_in_pipes() {
    let bench = Bench::start("javascript").await;
    assert!(programs(JAVASCRIPT).len() >= 40);
    bench.compare(JAVASCRIPT, None).await;
    bench.stop().await;
}

/// Only one that waited was started with the hook.
#[tokio::test]
async fn javascript_really_waited() {
    let bench = Bench::start("javascript").await;
    let look = "console.log(require('fs').readFileSync('/proc/self/environ', 'utf8').includes('NODE_OPTIONS'))";
    assert_eq!(printed(&bench, look, true).await, "true\n");
    assert_eq!(printed(&bench, look, false).await, "false\n");
    bench.stop().await;
}

const JAVA: &str = include_str!("alike/java.txt");

#[tokio::test]
async fn java_in_pipes() {
    let bench = Bench::start("java").await;
    assert!(programs(JAVA).len() >= 40);
    bench.compare(JAVA, None).await;
    bench.stop().await;
}

/// The compiler has waited, the program is started by itself, and of the machine that waited for it
/// nothing is left.
#[tokio::test]
async fn java_on_a_terminal() {
    let bench = Bench::start("java").await;
    let few = "### processes\npublic class Main {\n    public static void main(String[] args) {\n\
        System.out.println(ProcessHandle.allProcesses().count() + \" \" + System.console().reader().getClass());\n    }\n}\n\
        ### an_error\npublic class Main { int n = \"\"; }\n";
    bench.compare(few, Some(TERMINAL)).await;
    bench.stop().await;
}

/// Only a machine that waited has the agent in it.
const AGENT: &str = r#"
public class Main {
    public static void main(String[] args) throws Exception {
        var maps = java.nio.file.Files.readString(java.nio.file.Path.of("/proc/self/maps"));
        System.out.println(maps.contains("agent.so") + " " + ProcessHandle.allProcesses().count());
    }
}
"#;

#[tokio::test]
async fn java_really_waited() {
    let bench = Bench::start("java").await;
    assert_eq!(printed(&bench, AGENT, true).await, "true 1\n");
    assert_eq!(printed(&bench, AGENT, false).await, "false 1\n");
    bench.stop().await;
}

/// The compiler that waited too is not needed, and gone.
#[tokio::test]
async fn java_that_was_compiled_before_has_waited_too() {
    let bench = Bench::start("java").await;
    let ran = bench.run_compiled(AGENT, "Main.class").await;
    assert_eq!(ran.stdout, "true 1\n", "{ran:?}");
    bench.stop().await;
}

const PHP: &str = include_str!("alike/php.txt");

#[tokio::test]
async fn php_in_pipes() {
    let bench = Bench::start("php").await;
    assert!(programs(PHP).len() >= 40);
    bench.compare(PHP, None).await;
    bench.stop().await;
}

#[tokio::test]
async fn php_on_a_terminal() {
    let bench = Bench::start("php").await;
    bench.compare(PHP, Some(TERMINAL)).await;
    bench.stop().await;
}

#[tokio::test]
async fn php_is_really_forked() {
    let bench = Bench::start("php").await;
    let look = "<?php echo json_encode(str_contains(file_get_contents('/proc/self/environ'), '/box/warm'));";
    assert_eq!(printed(&bench, look, true).await, "true");
    assert_eq!(printed(&bench, look, false).await, "false");
    bench.stop().await;
}

#[tokio::test]
async fn runs_of_php_draw_other_numbers() {
    let bench = Bench::start("php").await;
    let look = "<?php echo mt_rand(), ' ', rand(), ' ', lcg_value(), ' ', random_int(0, PHP_INT_MAX), ' ', uniqid('', true);";
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let line = printed(&bench, look, true).await;
        seen.extend(line.split(' ').map(str::to_owned));
    }
    assert_eq!(seen.len(), 15, "{seen:?}");
    bench.stop().await;
}

const RUBY: &str = include_str!("alike/ruby.txt");

#[tokio::test]
async fn ruby_in_pipes() {
    let bench = Bench::start("ruby").await;
    assert!(programs(RUBY).len() >= 40);
    bench.compare(RUBY, None).await;
    bench.stop().await;
}

#[tokio::test]
async fn ruby_on_a_terminal() {
    let bench = Bench::start("ruby").await;
    bench.compare(RUBY, Some(TERMINAL)).await;
    bench.stop().await;
}

#[tokio::test]
async fn ruby_is_really_forked() {
    let bench = Bench::start("ruby").await;
    let look = "p File.read('/proc/self/environ').include?('/box/warm')";
    assert_eq!(printed(&bench, look, true).await, "true\n");
    assert_eq!(printed(&bench, look, false).await, "false\n");
    bench.stop().await;
}

/// Ruby has read the first line of its file before it is stopped.
#[tokio::test]
async fn a_first_line_with_options_is_heeded() {
    let bench = Bench::start("ruby").await;
    let look = "#!/usr/bin/env ruby -W2\np $VERBOSE, File.read('/proc/self/environ').include?('/box/warm')";
    assert_eq!(printed(&bench, look, true).await, "true\nfalse\n");
    bench.stop().await;
}

#[tokio::test]
async fn runs_of_ruby_draw_other_numbers() {
    let bench = Bench::start("ruby").await;
    let look = "puts Random.seed, rand(1 << 60), Random.new.seed, Random.bytes(9).inspect";
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let lines = printed(&bench, look, true).await;
        seen.extend(lines.lines().map(str::to_owned));
    }
    assert_eq!(seen.len(), 12, "{seen:?}");
    // What was drawn when the interpreter started is not the same for good.
    let first = printed(&bench, "p 'a'.hash", true).await;
    while printed(&bench, "p 'a'.hash", true).await == first {}
    bench.stop().await;
}
