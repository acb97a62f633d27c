//! Everything that an edge needs, and the edge.

use std::net::SocketAddr;
use std::time::Duration;

use prometheus::Registry;
use reqwest::{Method, RequestBuilder, Response};
use runlog_edge::{Clock, EdgeConfig, EdgeParts, History, HistoryConfig};
use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{LanguageReport, Log, LogConfig};
use runlog_schemas::api::{Accepted, Problem, SubmitRequest};
use runlog_schemas::{Catalog, ExecutionId, Vocabulary, subject};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// An interpreted language that is there, one that is compiled, one whose toolchain is missing,
/// and one that no worker has said anything about.
pub(crate) const LANGUAGES: [&str; 4] = ["python", "c", "cobol", "go"];

/// See the module.
pub(crate) struct Stage {
    pub(crate) servers: Testbed,
    /// The test's own connection to the log.
    pub(crate) log: Log,
    pub(crate) http: reqwest::Client,
    config: EdgeConfig,
    database: Option<String>,
    edge: Running,
    /// Others on the same log.
    others: Vec<Running>,
}

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::with(quick()).await
    }

    pub(crate) async fn with(config: EdgeConfig) -> Self {
        let servers = Testbed::start().await.expect("nats-server starts");
        Self::on(servers, config, None).await
    }

    /// With a database that has the tables.
    pub(crate) async fn with_history() -> Self {
        let servers = Testbed::start_with_postgres().await;
        let mut servers = servers.expect("both servers start");
        let database = servers.postgres().connection_string();
        crate::history::migrate(&database).await;
        Self::on(servers, quick(), Some(database)).await
    }

    async fn on(mut servers: Testbed, config: EdgeConfig, database: Option<String>) -> Self {
        let log = connect(&mut servers).await;
        let languages = LANGUAGES.map(str::to_owned);
        let wanted = Wanted::of(&languages, Replicas::One);
        streams::apply(&log, &wanted, false, now_ms())
            .await
            .expect("streams are made");
        report(&log).await;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let edge_log = connect(&mut servers).await;
        let edge = run(address, edge_log, config.clone(), database.as_deref()).await;
        let stage = Self {
            servers,
            log,
            http: reqwest::Client::new(),
            config,
            database,
            edge,
            others: Vec::new(),
        };
        stage.wait_for_reports().await;
        stage
    }

    /// Stops the edge as a deployment does, and returns when it has stopped.
    pub(crate) async fn stop_edge(&mut self) {
        self.edge.shutdown.cancel();
        (&mut self.edge.task).await.expect("the edge stops");
    }

    /// Tells the edge to stop and does not wait.
    pub(crate) fn tell_edge_to_stop(&self) {
        self.edge.shutdown.cancel();
    }

    /// Starts another edge at the same address.
    pub(crate) async fn start_edge(&mut self) {
        self.start_edge_that_knows(Vocabulary::default()).await;
    }

    /// The same, one that knows only these events.
    pub(crate) async fn start_edge_that_knows(&mut self, vocabulary: Vocabulary) {
        let config = LogConfig {
            vocabulary,
            ..LogConfig::new(self.servers.nats().url(), "test")
        };
        let log = Log::connect(&config).await.expect("the log is there");
        let database = self.database.clone();
        self.edge = run(
            self.edge.address,
            log,
            self.config.clone(),
            database.as_deref(),
        )
        .await;
        self.wait_for_reports().await;
    }

    /// Starts one more edge on the same log; returns its address.
    pub(crate) async fn second_edge(&mut self) -> SocketAddr {
        let log = connect(&mut self.servers).await;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let edge = run(address, log, self.config.clone(), self.database.as_deref()).await;
        let address = edge.address;
        self.others.push(edge);
        let url = format!("http://{address}/v1/languages");
        loop {
            let languages: Value = self
                .http
                .get(&url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let all = languages["languages"].as_array().unwrap();
            if all.iter().any(|it| it["available"] == json!(true)) {
                return address;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.edge.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.edge.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let sent = self.request(Method::GET, path).send();
        sent.await.expect("the edge answers")
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        let status = response.status();
        assert!(status.is_success(), "{path}: {status}");
        response.json().await.expect("JSON")
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        let sent = self.request(Method::POST, path).json(body).send();
        sent.await.expect("the edge answers")
    }

    /// Submits a program that the test will play the worker of.
    pub(crate) async fn submit(&self) -> ExecutionId {
        let body = serde_json::to_value(program()).expect("plain fields");
        let response = self.post("/v1/executions", &body).await;
        assert_eq!(response.status(), 202);
        let accepted: Accepted = response.json().await.expect("JSON");
        accepted.id
    }

    /// How many messages the log has about executions.
    pub(crate) async fn events_in_log(&self) -> u64 {
        let bounds = self.log.bounds(subject::EXECUTIONS).await;
        bounds.expect("the log answers").last_sequence
    }

    /// Returns when the edge follows no execution any more, and so has none in memory.
    pub(crate) async fn nothing_followed(&self) {
        loop {
            let metrics = self.get("/metrics").await.text().await.unwrap();
            if metrics.contains("stream_executions 0") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn wait_for_reports(&self) {
        loop {
            let languages = self.get_json("/v1/languages").await;
            let python = &languages["languages"]
                .as_array()
                .and_then(|all| all.iter().find(|it| it["id"] == "python"))
                .expect("python is defined")["available"];
            if python == &json!(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Forgets executions quickly.
pub(crate) fn quick() -> EdgeConfig {
    EdgeConfig {
        linger: Duration::from_millis(50),
        // No worker takes anything here.
        queue_capacity_per_slot: 100_000,
        ..EdgeConfig::default()
    }
}

async fn connect(servers: &mut Testbed) -> Log {
    let config = LogConfig::new(servers.nats().url(), "test");
    Log::connect(&config).await.expect("the log is there")
}

async fn run(address: SocketAddr, log: Log, config: EdgeConfig, database: Option<&str>) -> Running {
    let listener = TcpListener::bind(address).await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let shutdown = CancellationToken::new();
    let history = database.map(|database| {
        let mut config = HistoryConfig::new(database);
        config.timeout = Duration::from_secs(1);
        History::new(&config).expect("an address")
    });
    let parts = EdgeParts {
        config,
        log,
        history,
        catalog: catalog(),
        registry: Registry::new(),
        clock: Clock::system(),
    };
    let running = runlog_edge::run(parts, listener, shutdown.clone());
    #[expect(clippy::disallowed_methods, reason = "the test waits for it itself")]
    let task = tokio::spawn(async move { running.await.expect("the metrics are new") });
    Running {
        address,
        shutdown,
        task,
    }
}

async fn report(log: &Log) {
    for (id, version) in [
        ("python", Some("3.11.2")),
        ("c", Some("12.2.0")),
        ("cobol", None),
    ] {
        let report = LanguageReport {
            id: id.to_owned(),
            available: version.is_some(),
            version: version.map(str::to_owned),
            reason: version.is_none().then(|| "no cobc in PATH".to_owned()),
            host: "test".to_owned(),
            at_ms: 1,
        };
        log.report_language(&report).await.expect("it is stored");
    }
}

fn catalog() -> Catalog {
    let files = LANGUAGES.map(|id| {
        let compiled = r#"
            [compile]
            argv = ["/x", "{options}", "{sources}"]
            options = { exact = ["-O2"], prefixes = ["-D"] }
            "#;
        let text = format!(
            r#"
            name = "{id}"
            aliases = ["{id}-alias"]
            extensions = ["x"]
            entry = "main.x"
            [toolchain.version]
            argv = ["/x", "-v"]
            {}
            [run]
            argv = ["/x", "{{entry}}", "{{args}}"]
            [[self_test]]
            name = "hello"
            files = {{ "main.x" = "say hello" }}
            outcome = {{ kind = "exited", code = 0 }}
            "#,
            if id == "c" { compiled } else { "" }
        );
        (id, text)
    });
    let files = files.iter().map(|(id, text)| (*id, text.as_str()));
    Catalog::from_toml(files).expect("the definitions make sense")
}

/// A program that is accepted.
pub(crate) fn program() -> SubmitRequest {
    SubmitRequest {
        language: "python".to_owned(),
        source: Some("print(1)".to_owned()),
        ..SubmitRequest::default()
    }
}

/// The problem document in a response.
pub(crate) async fn problem(response: Response) -> Problem {
    let status = response.status();
    let header = |name: &str| {
        let value = response
            .headers()
            .get(name)
            .map(|it| it.to_str().expect("text"));
        value.unwrap_or_default().to_owned()
    };
    assert_eq!(header("content-type"), "application/problem+json");
    let id = header("x-request-id");
    let problem: Problem = response.json().await.expect("a problem document");
    assert_eq!(problem.status, status.as_u16());
    assert_eq!(problem.request_id, id);
    assert!(!id.is_empty());
    problem
}

#[expect(clippy::disallowed_methods, reason = "the shell of a test has a clock")]
pub(crate) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.expect("after 1970").as_millis()).expect("before the year 500 million")
}
