//! Output that was cut off at its limit says so, wherever it is read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::bed::{Up, text, up};

/// Prints more than it may keep, and goes on for as long as it is let.
const PROGRAM: &str = "
while True:
    print('all work and no play makes jack a dull boy')
";

/// What the edge answers, without its head.
fn get(up: &Up, path: &str) -> String {
    let mut edge = TcpStream::connect(("127.0.0.1", up.port())).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    edge.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    edge.read_to_end(&mut answer).unwrap();
    let (head, body) = text(&answer).split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{path}: {head}");
    body.to_owned()
}

/// Whether one of the chunks says that the rest was cut off.
fn has_cut(chunks: &Value) -> bool {
    let chunks = chunks.as_array().unwrap();
    chunks.iter().any(|chunk| chunk["kind"] == "cut")
}

#[test]
fn output_that_was_cut_off_is_marked_wherever_it_is_read() {
    let Some(up) = up() else { return };
    up.program("dull.py", PROGRAM);
    // While it runs, as the one who runs it sees it, and as others do.
    let run = up.run(&["run", "--limit", "output_kb=64", "dull.py"]);
    let words = text(&run.stderr);
    assert!(words.contains("the output limit was met"), "{words}");

    let args = ["submit", "--limit", "output_kb=64", "dull.py"];
    let id = up.answer(&args).trim().to_owned();
    let watched = up.run(&["watch", &id]);
    let words = text(&watched.stderr);
    assert!(words.contains("the output limit was met"), "{words}");
    let path = format!("/v1/executions/{id}");
    let json = |part: &str| -> Value {
        serde_json::from_str(&get(&up, &format!("{path}{part}"))).unwrap()
    };
    let output = json("/output");
    assert_eq!(output["cut"], true);
    let kept = output["stdout"]["text"].as_str().unwrap().len();
    assert!((60_000..=64 << 10).contains(&kept), "{kept} bytes");
    assert_eq!(json("")["output"]["cut"], true);
    assert!(has_cut(&json("/recording")["chunks"]));
    assert!(get(&up, &format!("{path}/recording?format=cast")).contains("cut off at its limit"));
    // Of what has ended, from its beginning.
    let events = get(&up, &format!("{path}/events"));
    let data = events.lines().filter_map(|it| it.strip_prefix("data:"));
    let messages = data.map(|it| serde_json::from_str::<Value>(it.trim()).unwrap());
    let mut outputs = messages.filter(|it| it["type"] == "output");
    assert!(outputs.any(|it| has_cut(&it["chunks"])), "{events}");

    let shown = up.answer(&["show", &id]);
    assert!(shown.contains(", cut off"), "{shown}");
    assert_eq!(up.json(&["show", &id])["output"]["cut"], true);
    let replayed = up.run(&["replay", "--speed", "0", &id]);
    let words = text(&replayed.stderr);
    assert!(words.contains("over its limit and is not kept"), "{words}");
}
