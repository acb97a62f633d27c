//! What was compiled once is not compiled again, for the same submission and for no other.

use runlog_schemas::{ChunkKind, Data, Outcome, OutputStream, Phase, SourceFile, Submission};

use crate::support::{Ended, Site, submission};

const OUT: OutputStream = OutputStream::Stdout;
const SAID: OutputStream = OutputStream::Compiler;

fn c(source: &str) -> Submission {
    submission("c", "main.c", source)
}

async fn run(site: &Site, submission: &Submission) -> Ended {
    let id = site.submit(submission).await;
    site.end(id).await
}

fn phases(ended: &Ended) -> Vec<Phase> {
    let phase = |what: &ChunkKind| match what {
        ChunkKind::Phase { phase } => Some(*phase),
        _ => None,
    };
    ended
        .chunks
        .iter()
        .filter_map(|chunk| phase(&chunk.what))
        .collect()
}

/// Runs it twice, with another worker in between where that is asked for.
async fn twice(site: &mut Site, submission: &Submission, elsewhere: bool) -> (Ended, Ended) {
    let first = run(site, submission).await;
    if elsewhere {
        site.replace_worker().await;
    }
    let second = run(site, submission).await;
    assert_eq!(first.outcome, second.outcome);
    for stream in [OUT, SAID, OutputStream::Stderr] {
        assert_eq!(first.text(stream), second.text(stream));
    }
    assert!(first.measurements.compile_us.is_some() && !first.measurements.compile_cached);
    (first, second)
}

#[tokio::test]
async fn the_second_time_nothing_is_compiled_and_the_compiler_says_the_same() {
    let mut site = Site::start(&["c"]).await;
    // It also undoes what was made, once it runs: too late.
    let mut program = c(
        "#include <stdio.h>\n#include <unistd.h>\n#include \"n.h\"\n\
        int main(void) { int unused; unlink(\"main\"); symlink(\"/etc/passwd\", \"main\"); \
        fputs(\"#define N 2\\n\", fopen(\"n.h\", \"w\")); printf(\"%d\\n\", N); return 3; }\n",
    );
    program.compiler_options = vec!["-Wall".to_owned()];
    program.files.push(SourceFile {
        name: "n.h".to_owned(),
        content: Data::from("#define N 1\n"),
    });
    for elsewhere in [false, true] {
        program.files[1].content =
            Data::from(format!("#define N {}\n", u8::from(elsewhere)).as_str());
        let (first, second) = twice(&mut site, &program, elsewhere).await;
        assert_eq!(second.outcome, Outcome::Exited { code: 3 });
        assert!(second.text(SAID).contains("unused variable"));
        assert_eq!(second.text(OUT), format!("{}\n", u8::from(elsewhere)));
        assert!(second.measurements.compile_cached, "elsewhere: {elsewhere}");
        assert_eq!(second.measurements.compile_us, None);
        assert_eq!(phases(&first), [Phase::Compile, Phase::Run]);
        assert_eq!(phases(&second), phases(&first));
    }
    // Another option, another compile step.
    program.compiler_options.push("-O0".to_owned());
    assert!(!run(&site, &program).await.measurements.compile_cached);
    site.stop().await;
}

#[tokio::test]
async fn what_fails_or_differs_each_time_is_compiled_each_time() {
    let mut site = Site::start(&["c"]).await;
    let wrong = c("int main(void) { return nothing; }\n");
    let (_, second) = twice(&mut site, &wrong, false).await;
    assert_eq!(second.outcome, Outcome::CompileError { code: 1 });
    assert!(second.measurements.compile_us.is_some() && !second.measurements.compile_cached);
    let dated = c("const char *at = __TIME__;\nint main(void) { return 0; }\n");
    let (_, second) = twice(&mut site, &dated, false).await;
    assert!(!second.measurements.compile_cached);
    site.stop().await;
}

/// Several files in folders, as a compiler makes them of packages.
#[tokio::test]
async fn what_java_made_of_packages_comes_back() {
    let mut site = Site::start(&["java"]).await;
    let mut program = submission(
        "java",
        "Main.java",
        "public class Main { public static void main(String[] a) { System.out.println(new some.Thing(2)); } }",
    );
    program.limits = runlog_schemas::Limits {
        memory_mb: 512,
        processes: 64,
        ..program.limits
    };
    program.files.push(SourceFile {
        name: "Thing.java".to_owned(),
        content: Data::from("package some; public record Thing(int n) {}"),
    });
    let (_, second) = twice(&mut site, &program, true).await;
    assert_eq!(second.text(OUT), "Thing[n=2]\n");
    assert!(second.measurements.compile_cached);
    site.stop().await;
}
