//! A run beside every attack, which does what any program does and must not notice.

use bytes::Bytes;

use super::case::Case;
use super::ground::Ground;
use super::run;

/// Its folder in the corpus.
pub(super) const NAME: &str = "metronome";

/// Runs beside something, from before its beginning to after its end; says what it noticed.
pub(super) async fn beside<T>(
    ground: &Ground,
    mark: &str,
    work: impl Future<Output = T>,
) -> (T, Vec<String>) {
    let case = Case::read(NAME);
    let case = match ground.host {
        Some(host) => host.provide(case),
        None => case,
    };
    let (cell, mut process) = match run::start(ground, &case, mark).await {
        Ok(started) => started,
        Err(error) => {
            return (
                work.await,
                vec![format!("its neighbour could not start: {error:#}")],
            );
        }
    };
    let secret = format!("{}\n", ground.site.canaries.secret_of_the_neighbour());
    let input = process.input.clone();
    input.write(Bytes::from(secret.into_bytes())).await;
    // It ticks before the attack begins.
    let mut said = process
        .output
        .recv()
        .await
        .map_or_else(Vec::new, |output| output.bytes.to_vec());
    let worked = async {
        let result = work.await;
        input.eof().await;
        drop(input);
        result
    };
    let listened = async {
        while let Some(output) = process.output.recv().await {
            said.extend_from_slice(&output.bytes);
        }
        process.end.await
    };
    let (result, end) = tokio::join!(worked, listened);
    let mut breaches = judge(&String::from_utf8_lossy(&said));
    if !matches!(&end, Ok(Ok(end)) if end.cause == (runlog_sandbox::Cause::Exited { code: 0 })) {
        breaches.push(format!("its neighbour ended with {end:?}"));
    }
    if let Err(error) = cell.destroy().await {
        breaches.push(format!(
            "its neighbour's cell could not be removed: {error}"
        ));
    }
    (result, breaches)
}

/// All ticks, in order, and the end after them.
fn judge(said: &str) -> Vec<String> {
    let lines: Vec<_> = said.lines().collect();
    let expected = |i: usize| {
        if i + 1 == lines.len() {
            format!("end {i}")
        } else {
            format!("tick {i}")
        }
    };
    let wrong = lines
        .iter()
        .enumerate()
        .find(|(i, line)| **line != expected(*i));
    match wrong {
        Some((i, line)) => vec![format!(
            "its neighbour said {line:?} in place of {:?}",
            expected(i)
        )],
        None if lines.len() < 2 => vec!["its neighbour did not tick".to_owned()],
        None => Vec::new(),
    }
}
