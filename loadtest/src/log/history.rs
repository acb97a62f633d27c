//! Questions to the history while it holds a great many executions.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use runlog_client::Client;
use runlog_schemas::api::{HistoryQuery, Status};
use runlog_schemas::{Change, Clock, Execution, ExecutionEvent, ExecutionId, Outcome, Phase, fold};
use tokio::time::Instant;
use uuid::Uuid;

use super::stage::Stage;
use super::story::{LANGUAGE, SESSIONS, Story};
use crate::report::{Figure, Report, say};
use crate::stats::Samples;
use crate::system::{Told, end, start};

/// Rows made by one statement.
const TOGETHER: u64 = 500_000;

/// When the first of them was submitted, in milliseconds since 1970.
const FIRST_MS: u64 = 1_700_000_000_000;

/// Time from one submission to the next, in milliseconds.
const STEP_MS: u64 = 25;

/// Makes executions `$1` to `$2`. The ids sort by time. Of a hundred, three exceed their time and
/// seven end with 1; a session has one in a thousand.
const MAKE: &str = "
    INSERT INTO executions (
        id, session, language, priority, state, outcome, exit_code, attempts, submitted_at_ms,
        started_at_ms, ended_at_ms, queue_deadline_ms, first_sequence, last_sequence, execution)
    SELECT
        (lpad(to_hex(at_ms), 12, '0') || '70008' || lpad(to_hex(number), 15, '0'))::uuid,
        'session-' || number % $6, $5, 'api', 'ended',
        CASE WHEN fate < 3 THEN 'time_limit' ELSE 'exited' END,
        CASE WHEN fate < 3 THEN NULL WHEN fate < 10 THEN 1 ELSE 0 END,
        1, at_ms, at_ms, at_ms, NULL, number * 3 + 1, number * 3 + 3,
        replace(
            replace(
                CASE WHEN fate < 3 THEN $7 WHEN fate < 10 THEN $8 ELSE $9 END,
                'session-0', 'session-' || number % $6),
            $3::bigint::text, at_ms::text)::json
    FROM (
        SELECT number, $3::bigint + number * $4::bigint AS at_ms, (number / $6 * 7 + number) % 100 AS fate
        FROM generate_series($1::bigint, $2::bigint) AS number
    ) AS numbered";

/// What the history holds, and what is asked.
#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    /// Executions in the history
    #[arg(long, default_value_t = 10_000_000)]
    executions: u64,
    /// Questions of each kind
    #[arg(long, default_value_t = 300)]
    questions: u64,
}

impl HistoryArgs {
    /// A size that takes less than a minute.
    pub(crate) const fn small() -> Self {
        Self {
            executions: 300_000,
            questions: 100,
        }
    }
}

/// Asks an edge.
pub(crate) async fn measure(
    args: &HistoryArgs,
    program: PathBuf,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut stage = Stage::start(program).await?;
    stage.start_postgres().await?;
    make(&stage, args.executions).await?;
    let command = stage.command(&["edge", "--json", "--listen", "127.0.0.1:0"]);
    let (edge, line) = start(command).await?;
    let told: Told = serde_json::from_str(&line).context("the edge told nothing")?;
    let client = Client::new(told.url.parse()?);
    // An edge that has just started connects to PostgreSQL first, where nothing is prepared yet.
    let began = Instant::now();
    Question::Newest.ask(&client, 0).await?;
    let first_ms = began.elapsed().as_secs_f64() * 1_000.0;
    report.add(Figure::single(
        "history_first_of_an_edge",
        "ms",
        1,
        first_ms,
    ));
    let mut all = Samples::new();
    for question in QUESTIONS {
        let mut samples = Samples::new();
        for number in 0..args.questions {
            let place = scattered(number) % args.executions;
            let began = Instant::now();
            question.ask(&client, place).await?;
            samples.record(began.elapsed());
        }
        report.add(Figure::times(question.name(), &samples));
        all.add(&samples);
    }
    report.add(Figure::times("history", &all).at_most("p99", 10.0));
    end(edge).await
}

/// Fills the tables. Indexes are made afterwards, which is quicker.
async fn make(stage: &Stage, executions: u64) -> anyhow::Result<()> {
    let sql = stage.sql().await?;
    let began = Instant::now();
    let indexes = sql
        .query(
            "SELECT indexname::text, indexdef FROM pg_indexes
             WHERE schemaname = 'runlog' AND tablename = 'executions'
             AND indexdef NOT LIKE 'CREATE UNIQUE%'",
            &[],
        )
        .await?;
    sql.batch_execute("SET synchronous_commit TO off").await?;
    for row in &indexes {
        let name: &str = row.get(0);
        sql.batch_execute(&format!("DROP INDEX {name}")).await?;
    }
    let make = sql.prepare(MAKE).await?;
    let [late, failed, good] = [
        Outcome::TimeLimit {
            clock: Clock::Wall,
            phase: Phase::Run,
        },
        Outcome::Exited { code: 1 },
        Outcome::Exited { code: 0 },
    ]
    .map(ended_with);
    let big = |number: u64| i64::try_from(number).context("too many");
    for first in (0..executions).step_by(usize::try_from(TOGETHER)?) {
        let last = executions.min(first + TOGETHER) - 1;
        sql.execute(
            &make,
            &[
                &big(first)?,
                &big(last)?,
                &big(FIRST_MS)?,
                &big(STEP_MS)?,
                &LANGUAGE,
                &big(SESSIONS)?,
                &late,
                &failed,
                &good,
            ],
        )
        .await?;
        say(&format!("{} of {executions} rows", last + 1));
    }
    for row in &indexes {
        sql.batch_execute(row.get(1)).await?;
    }
    sql.batch_execute("VACUUM (ANALYZE) executions").await?;
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("made {executions} rows in {seconds:.0} s"));
    Ok(())
}

/// The first execution as its row has it, had it ended so.
fn ended_with(outcome: Outcome) -> String {
    let story = Story::new(0, FIRST_MS);
    let mut finished = story.finished(1);
    if let Change::Finished { outcome: its, .. } = &mut finished.change {
        *its = outcome;
    }
    let events: [ExecutionEvent; 3] = [story.submitted(), story.started(), finished];
    let execution = events.iter().fold(Execution::default(), fold);
    serde_json::to_string(&execution).expect("our types have string keys only")
}

/// What people and programs ask.
#[derive(Clone, Copy, Debug)]
enum Question {
    Newest,
    Session,
    Language,
    Failed,
    SessionFailed,
    Queued,
    Window,
    Page,
    One,
}

const QUESTIONS: [Question; 9] = [
    Question::Newest,
    Question::Session,
    Question::Language,
    Question::Failed,
    Question::SessionFailed,
    Question::Queued,
    Question::Window,
    Question::Page,
    Question::One,
];

impl Question {
    const fn name(self) -> &'static str {
        match self {
            Self::Newest => "history_newest",
            Self::Session => "history_of_session",
            Self::Language => "history_of_language",
            Self::Failed => "history_of_outcome",
            Self::SessionFailed => "history_of_session_and_outcome",
            Self::Queued => "history_queued",
            Self::Window => "history_of_an_hour",
            Self::Page => "history_page_anywhere",
            Self::One => "history_one",
        }
    }

    /// Asks about what stands at that place, from 0 for the oldest.
    async fn ask(self, client: &Client, place: u64) -> anyhow::Result<()> {
        let at_ms = FIRST_MS + place * STEP_MS;
        let mut query = HistoryQuery::default();
        match self {
            Self::One => {
                client.get(id(place, at_ms)).await?;
                return Ok(());
            }
            Self::Newest => {}
            Self::Session => query.session = Some(session(place)),
            Self::Language => query.language = Some(LANGUAGE.to_owned()),
            Self::Failed => query.outcome = Some("time_limit".to_owned()),
            Self::SessionFailed => {
                query.session = Some(session(place));
                query.outcome = Some("time_limit".to_owned());
            }
            Self::Queued => query.status = Some(Status::Queued),
            Self::Window => {
                query.since_ms = Some(at_ms);
                query.until_ms = Some(at_ms + 3_600_000);
            }
            Self::Page => {
                let id = id(place, at_ms).as_uuid();
                query.after = Some(format!("{at_ms:x}-{}", id.as_simple()));
            }
        }
        let page = client.list(&query).await?;
        let wrong = page.executions.is_empty() != matches!(self, Self::Queued);
        // The oldest has nothing behind it.
        anyhow::ensure!(!wrong || place == 0, "{self:?} has no answer at {place}");
        Ok(())
    }
}

fn session(place: u64) -> String {
    format!("session-{}", place % SESSIONS)
}

/// As [`MAKE`] makes it.
fn id(number: u64, at_ms: u64) -> ExecutionId {
    let fixed = 0x7000_8000_0000_0000_0000_u128;
    ExecutionId::from_uuid(Uuid::from_u128(
        (u128::from(at_ms) << 80) | fixed | u128::from(number),
    ))
}

/// Numbers without order, the same in each run.
const fn scattered(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)) >> 8
}
