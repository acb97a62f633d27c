//! Real servers: they start, survive a kill, keep data and port, and never
//! outlive us.

use std::path::Path;
use std::time::Duration;

use async_nats::ServerAddr;
use async_nats::jetstream::{self, stream};
use runlog_local::{Durability, Error, Nats, NatsConfig, Postgres, PostgresConfig, Testbed, Tools};
use tokio::io::{AsyncBufReadExt, BufReader};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn nats_config(folder: &Path) -> NatsConfig {
    NatsConfig {
        tools: Tools::default(),
        data_dir: folder.join("nats"),
        port: None,
    }
}

async fn log(urls: &[String]) -> Result<jetstream::Context, Box<dyn std::error::Error>> {
    let addresses = urls
        .iter()
        .map(|url| url.parse())
        .collect::<Result<Vec<ServerAddr>, _>>()?;
    Ok(jetstream::new(async_nats::connect(addresses).await?))
}

fn stream_config(replicas: usize) -> stream::Config {
    stream::Config {
        name: "TEST".to_owned(),
        subjects: vec!["test.>".to_owned()],
        num_replicas: replicas,
        ..Default::default()
    }
}

#[tokio::test]
async fn nats_keeps_its_data_and_its_port_over_a_kill() -> TestResult {
    let mut testbed = Testbed::start().await?;
    let url = testbed.nats().url();
    let stream = log(std::slice::from_ref(&url)).await?;
    stream.create_stream(stream_config(1)).await?;
    stream.publish("test.a", "kept".into()).await?.await?;

    testbed.nats().kill().await?;
    assert_eq!(testbed.nats().pid(), None);
    testbed.nats().restart().await?;

    assert_eq!(testbed.nats().url(), url);
    let message = log(std::slice::from_ref(&url))
        .await?
        .get_stream("TEST")
        .await?
        .get_raw_message(1)
        .await?;
    assert_eq!(message.payload.as_ref(), b"kept");
    Ok(())
}

#[tokio::test]
async fn nats_takes_messages_up_to_four_megabytes() -> TestResult {
    let mut testbed = Testbed::start().await?;
    let client = async_nats::connect(testbed.nats().url()).await?;
    assert_eq!(client.server_info().max_payload, 4 * 1024 * 1024);
    Ok(())
}

#[tokio::test]
async fn a_paused_nats_answers_again_when_it_is_resumed() -> TestResult {
    let mut testbed = Testbed::start().await?;
    let client = async_nats::connect(testbed.nats().url()).await?;
    testbed.nats().pause()?;
    let context = jetstream::new(client);
    let info = context.query_account();
    tokio::pin!(info);
    let early = tokio::time::timeout(Duration::from_millis(100), &mut info).await;
    assert!(early.is_err(), "a paused server must not answer");
    testbed.nats().resume()?;
    info.await?;
    Ok(())
}

#[tokio::test]
async fn two_servers_never_share_a_store() -> TestResult {
    let folder = tempfile::tempdir()?;
    let _first = Nats::start(nats_config(folder.path())).await?;
    let second = Nats::start(nats_config(folder.path())).await;
    assert!(matches!(second, Err(Error::InUse { .. })));
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_named() -> TestResult {
    let folder = tempfile::tempdir()?;
    let holder = std::net::TcpListener::bind("127.0.0.1:0")?;
    let taken = holder.local_addr()?.port();
    let nats = Nats::start(NatsConfig {
        port: Some(taken),
        ..nats_config(folder.path())
    })
    .await;
    assert!(matches!(nats, Err(Error::PortTaken { port, .. }) if port == taken));
    let config = PostgresConfig {
        tools: Tools::default(),
        data_dir: folder.path().join("postgres"),
        port: Some(taken),
        durability: Durability::Disposable,
    };
    let postgres = Postgres::start(config).await;
    assert!(matches!(postgres, Err(Error::PortTaken { port, .. }) if port == taken));
    Ok(())
}

#[tokio::test]
async fn a_clean_stop_and_a_drop_both_end_the_process() -> TestResult {
    let folder = tempfile::tempdir()?;
    let mut nats = Nats::start(nats_config(folder.path())).await?;
    let first = nats.pid().expect("it runs");
    nats.stop().await?;
    assert!(!Path::new(&format!("/proc/{first}")).exists());
    nats.restart().await?;
    let second = nats.pid().expect("it runs");
    drop(nats);
    assert!(!Path::new(&format!("/proc/{second}")).exists());
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_server_is_noticed() -> TestResult {
    let mut testbed = Testbed::start().await?;
    let pid = i32::try_from(testbed.nats().pid().expect("it runs"))?;
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGKILL,
    )?;
    let status = testbed.nats().ended().await?;
    assert!(status.contains("SIGKILL"), "{status}");
    Ok(())
}

async fn connect(postgres: &Postgres) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) =
        tokio_postgres::connect(&postgres.connection_string(), tokio_postgres::NoTls).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the connection ends with its client"
    )]
    tokio::task::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn postgres_keeps_what_was_committed_over_a_kill() -> TestResult {
    let mut testbed = Testbed::start_postgres_only().await?;
    let client = connect(testbed.postgres()).await?;
    client
        .batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        .await?;
    let before = testbed.postgres().connection_string();

    testbed.postgres().kill().await?;
    testbed.postgres().restart().await?;

    assert_eq!(testbed.postgres().connection_string(), before);
    let row = connect(testbed.postgres())
        .await?
        .query_one("SELECT n FROM kept", &[])
        .await?;
    assert_eq!(row.get::<_, i32>(0), 7);
    Ok(())
}

#[tokio::test]
async fn postgres_sorts_by_bytes_in_utf8_and_asks_for_a_password() -> TestResult {
    let mut testbed = Testbed::start_postgres_only().await?;
    let client = connect(testbed.postgres()).await?;
    let row = client
        .query_one(
            "SELECT 'Z' < 'a', upper('ä'), current_database()::text",
            &[],
        )
        .await?;
    assert_eq!((row.get(0), row.get(1), row.get(2)), (true, "Ä", "runlog"));
    let wrong = format!(
        "postgres://runlog:wrong@127.0.0.1:{}/runlog",
        testbed.postgres().port()
    );
    let refused = tokio_postgres::connect(&wrong, tokio_postgres::NoTls)
        .await
        .err()
        .expect("the password is wrong");
    assert_eq!(
        refused.code(),
        Some(&tokio_postgres::error::SqlState::INVALID_PASSWORD)
    );
    Ok(())
}

#[tokio::test]
async fn a_durable_postgres_syncs_and_opens_its_data_again() -> TestResult {
    let folder = tempfile::tempdir()?;
    let config = PostgresConfig {
        tools: Tools::default(),
        data_dir: folder.path().join("postgres"),
        port: None,
        durability: Durability::Durable,
    };
    let first = Postgres::start(config.clone()).await?;
    let client = connect(&first).await?;
    let row = client
        .query_one("SELECT current_setting('fsync')", &[])
        .await?;
    assert_eq!(row.get::<_, &str>(0), "on");
    client.batch_execute("CREATE TABLE kept (n int)").await?;
    drop(first);

    let second = Postgres::start(config).await?;
    connect(&second)
        .await?
        .query_one("SELECT count(*) FROM kept", &[])
        .await?;
    Ok(())
}

#[tokio::test]
async fn three_nodes_elect_a_leader_and_survive_the_loss_of_one() -> TestResult {
    let mut testbed = Testbed::start_cluster().await?;
    let stream = log(&testbed.cluster().urls()).await?;
    // Refused until the nodes have a leader, which they may take a while to elect.
    while stream.create_stream(stream_config(3)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stream.publish("test.a", "first".into()).await?.await?;
    testbed.cluster().nodes[0].kill().await?;

    let stream = log(&testbed.cluster().urls()[1..]).await?;
    // The stream's leader may have been the lost node.
    while stream
        .publish("test.b", "second".into())
        .await?
        .await
        .is_err()
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut info = stream.get_stream("TEST").await?;
    assert_eq!(info.get_raw_message(1).await?.payload.as_ref(), b"first");
    let cluster = info.info().await?.cluster.clone().expect("it is a cluster");
    assert!(cluster.leader.is_some_and(|leader| leader != "runlog-1"));
    Ok(())
}

/// Not a test by itself: the process that `no_server_outlives_us` kills.
#[tokio::test]
#[ignore = "started by no_server_outlives_us"]
async fn starts_servers_and_waits() -> TestResult {
    let mut testbed = Testbed::start_with_postgres().await?;
    let pids = [testbed.nats().pid(), testbed.postgres().pid()].map(|pid| pid.expect("it runs"));
    println!(
        "STARTED {} {} {}",
        pids[0],
        pids[1],
        testbed.path().display()
    );
    std::future::pending().await
}

#[tokio::test]
async fn no_server_outlives_us() -> TestResult {
    let mut starter = tokio::process::Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "starts_servers_and_waits",
            "--ignored",
            "--nocapture",
        ])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(starter.stdout.take().expect("it is piped")).lines();
    let started = loop {
        let line = lines
            .next_line()
            .await?
            .expect("the starter tells what it started");
        if let Some((_, started)) = line.split_once("STARTED ") {
            break started.to_owned();
        }
    };
    starter.kill().await?;
    let [nats, postgres, folder] = started.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("not what the starter prints: {started}");
    };
    for pid in [nats, postgres] {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
