//! A process dies at each of its failpoints: nothing is lost, nothing is done twice.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use runlog_client::{Client, Error};
use runlog_failpoint::Point;
use runlog_schemas::api::{ExecutionView, LimitsRequest, Status, SubmitRequest};
use runlog_schemas::{ExecutionId, Outcome};
use rustix::process::Signal;
use serde_json::Value;

use crate::bed::signal;
use crate::fleet::Servers;

/// Which story reaches a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Submit,
    Cancel,
    Run,
    GiveUp,
    Project,
}

/// Every point has one.
const fn story(point: Point) -> Story {
    match point {
        Point::SubmissionBefore | Point::SubmissionAppended => Story::Submit,
        Point::CancelBefore | Point::CancelAppended => Story::Cancel,
        Point::StartedBefore
        | Point::StartedAppended
        | Point::OutputBefore
        | Point::OutputAppended
        | Point::FinishedBefore
        | Point::FinishedAppended
        | Point::AckBefore
        | Point::AckAfter => Story::Run,
        Point::CloseBefore | Point::CloseAppended | Point::LetterBefore | Point::LetterAppended => {
            Story::GiveUp
        }
        Point::BatchBefore
        | Point::BatchCommitted
        | Point::RecordingBefore
        | Point::RecordingStored => Story::Project,
    }
}

fn points(wanted: Story) -> impl Iterator<Item = Point> {
    Point::ALL
        .into_iter()
        .filter(move |it| story(*it) == wanted)
}

/// A log, a database, and services that come and go.
struct Bench {
    servers: Servers,
    languages: PathBuf,
    edge: Option<Child>,
    address: String,
    client: Client,
}

impl Bench {
    /// With an edge.
    async fn start() -> Option<Self> {
        let servers = Servers::start().await?;
        let languages = servers.folder.path().join("languages");
        std::fs::create_dir(&languages).unwrap();
        let all = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../languages");
        std::fs::copy(all.join("bash.toml"), languages.join("bash.toml")).unwrap();
        servers.answer(&[
            "streams",
            "apply",
            "--languages",
            languages.to_str().unwrap(),
        ]);
        servers.answer(&["projector", "migrate"]);
        let more = ["--languages", languages.to_str().unwrap()];
        let (edge, url) = servers.start_edge(&more);
        Some(Self {
            languages,
            edge: Some(edge),
            address: url
                .trim_start_matches("http://")
                .trim_end_matches('/')
                .to_owned(),
            client: Client::new(url.parse().unwrap()),
            servers,
        })
    }

    /// A service that dies at that point.
    fn service(&self, args: &[&str], dies_at: Option<Point>) -> Child {
        let mut command = self.servers.command(args);
        if let Some(point) = dies_at {
            command.env("RUNLOG_FAILPOINT", format!("{}=kill", point.name()));
        }
        command
            .env("RUNLOG_LANGUAGES", &self.languages)
            .env("RUNLOG_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn worker(&self, dies_at: Option<Point>) -> Child {
        self.service(&["worker", "--slots", "1", "--grace", "300ms"], dies_at)
    }

    fn projector(&self, dies_at: Option<Point>) -> Child {
        self.service(&["projector", "run"], dies_at)
    }

    /// Another edge in the place of the one that is there.
    async fn restart_edge(&mut self, dies_at: Option<Point>) {
        if let Some(mut edge) = self.edge.take() {
            edge.kill().unwrap();
            edge.wait().unwrap();
        }
        self.edge = Some(self.service(&["edge", "--listen", &self.address], dies_at));
        self.until_available().await;
    }

    async fn until_available(&self) {
        loop {
            if let Ok(told) = self.client.languages().await
                && told.languages.iter().any(|it| it.available)
            {
                return;
            }
            pause().await;
        }
    }

    async fn until_ended(&self, id: ExecutionId) -> ExecutionView {
        loop {
            if let Ok(view) = self.client.get(id).await
                && view.status == Status::Ended
            {
                return view;
            }
            pause().await;
        }
    }

    /// It ended well, with all of its output and no more.
    async fn ended_well(&self, id: ExecutionId) {
        let view = self.until_ended(id).await;
        assert_eq!(view.outcome, Some(Outcome::Exited { code: 0 }), "{view:?}");
        let output = self.client.output(id).await.unwrap();
        assert_eq!(output.stdout.0, b"once\n");
    }

    /// As many executions as were sent stand in the log, and everything agrees with it.
    async fn sound(&self, executions: u64) {
        let mut projector = self.projector(None);
        loop {
            let output = self.servers.run(&["verify", "--settled", "--json"]);
            let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let number = |name: &str| told["checked"][name].as_u64();
            let caught_up = number("rows").is_some() && number("rows") == number("executions");
            if caught_up && number("recordings_due") == Some(0) {
                assert_eq!(number("executions"), Some(executions), "{told}");
                assert_eq!(told["ok"], true, "{told}");
                break;
            }
            pause().await;
        }
        end(&mut projector);
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(mut edge) = self.edge.take() {
            edge.kill().ok();
            edge.wait().ok();
        }
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Waits until a service has died at its point.
async fn until_dead(service: &mut Child, point: Point) {
    loop {
        if let Some(status) = service.try_wait().unwrap() {
            assert_eq!(status.signal(), Some(9), "{}: {status}", point.name());
            return;
        }
        pause().await;
    }
}

/// Ends a service in peace.
fn end(service: &mut Child) {
    signal(service, Signal::TERM);
    let status = service.wait().unwrap();
    assert!(status.success(), "{status}");
}

fn program(source: &str) -> SubmitRequest {
    SubmitRequest {
        language: "bash".to_owned(),
        source: Some(source.to_owned()),
        limits: LimitsRequest {
            wall_ms: Some(60_000),
            ..LimitsRequest::default()
        },
        ..SubmitRequest::default()
    }
}

#[tokio::test]
async fn an_edge_that_dies_around_a_submission_takes_it_once() {
    let Some(mut bench) = Bench::start().await else {
        return;
    };
    let mut worker = bench.worker(None);
    let mut sent = 0;
    for point in points(Story::Submit) {
        bench.restart_edge(Some(point)).await;
        let (program, key) = (program("echo once"), point.name());
        let unanswered = bench.client.submit(&program, Some(key)).await;
        assert!(
            matches!(unanswered, Err(Error::Unreachable { .. })),
            "{unanswered:?}"
        );
        until_dead(bench.edge.as_mut().unwrap(), point).await;
        bench.restart_edge(None).await;
        let accepted = bench.client.submit(&program, Some(key)).await.unwrap();
        let again = bench.client.submit(&program, Some(key)).await.unwrap();
        assert_eq!(accepted.id, again.id);
        bench.ended_well(accepted.id).await;
        sent += 1;
    }
    bench.sound(sent).await;
    end(&mut worker);
}

#[tokio::test]
async fn an_edge_that_dies_around_a_cancellation_may_be_asked_again() {
    let Some(mut bench) = Bench::start().await else {
        return;
    };
    let mut worker = bench.worker(None);
    let mut sent = 0;
    for point in points(Story::Cancel) {
        bench.restart_edge(Some(point)).await;
        let accepted = bench
            .client
            .submit(&program("sleep 50"), None)
            .await
            .unwrap();
        while bench.client.get(accepted.id).await.unwrap().status != Status::Running {
            pause().await;
        }
        let unanswered = bench.client.cancel(accepted.id).await;
        assert!(
            matches!(unanswered, Err(Error::Unreachable { .. })),
            "{unanswered:?}"
        );
        until_dead(bench.edge.as_mut().unwrap(), point).await;
        bench.restart_edge(None).await;
        match bench.client.cancel(accepted.id).await {
            Ok(_) => {}
            // The first one was heard.
            Err(error) => assert_eq!(error.problem().map(|it| it.status), Some(409), "{error}"),
        }
        let view = bench.until_ended(accepted.id).await;
        assert_eq!(view.outcome, Some(Outcome::Cancelled), "{}", point.name());
        sent += 1;
    }
    bench.sound(sent).await;
    end(&mut worker);
}

#[tokio::test]
async fn a_worker_that_dies_between_any_two_steps_of_a_run_has_it_end_once() {
    let Some(bench) = Bench::start().await else {
        return;
    };
    let mut sent = 0;
    for point in points(Story::Run) {
        let mut doomed = bench.worker(Some(point));
        bench.until_available().await;
        let accepted = bench
            .client
            .submit(&program("echo once"), None)
            .await
            .unwrap();
        until_dead(&mut doomed, point).await;
        let mut next = bench.worker(None);
        bench.ended_well(accepted.id).await;
        // Where the dead one had ended it, this one may just have begun, and hear no signal.
        next.kill().unwrap();
        next.wait().unwrap();
        sent += 1;
    }
    bench.sound(sent).await;
}

#[tokio::test]
async fn workers_that_die_while_they_give_up_leave_one_dead_letter() {
    let Some(bench) = Bench::start().await else {
        return;
    };
    let mut doomed = bench.worker(Some(Point::OutputAppended));
    bench.until_available().await;
    let source = "echo never; sleep 50";
    let accepted = bench.client.submit(&program(source), None).await.unwrap();
    until_dead(&mut doomed, Point::OutputAppended).await;
    let lost = [Point::OutputAppended; 2].into_iter();
    for point in lost.chain(points(Story::GiveUp)) {
        let mut doomed = bench.worker(Some(point));
        until_dead(&mut doomed, point).await;
    }
    let mut last = bench.worker(None);
    let view = bench.until_ended(accepted.id).await;
    assert!(
        matches!(view.outcome, Some(Outcome::SystemError { .. })),
        "{view:?}"
    );
    assert_eq!(view.attempts.len(), 3);
    let url = format!("http://{}", bench.address);
    let told = bench
        .servers
        .answer(&["dlq", "list", "--json", "--url", &url]);
    assert_eq!(told.matches(&accepted.id.to_string()).count(), 1, "{told}");
    bench.sound(1).await;
    end(&mut last);
}

#[tokio::test]
async fn a_projector_that_dies_around_a_commit_counts_everything_once() {
    let Some(bench) = Bench::start().await else {
        return;
    };
    let mut worker = bench.worker(None);
    bench.until_available().await;
    let mut sent = 0;
    for point in points(Story::Project) {
        let mut doomed = bench.projector(Some(point));
        let accepted = bench
            .client
            .submit(&program("echo once"), None)
            .await
            .unwrap();
        until_dead(&mut doomed, point).await;
        bench.ended_well(accepted.id).await;
        sent += 1;
    }
    bench.sound(sent).await;
    end(&mut worker);
}
