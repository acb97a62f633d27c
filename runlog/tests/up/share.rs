//! Sharing: a link that shows a program and its recording.

use crate::bed::{text, up};

#[test]
fn a_run_and_files_are_shared_and_the_link_leads_to_them() {
    let Some(up) = up() else { return };
    up.program("shared.py", "print('shown')\n");
    let run = up.run(&["run", "-q", "--session", "shared", "shared.py"]);
    assert_eq!(run.status.code(), Some(0));
    let id = loop {
        let lines = up.answer(&["history", "--session", "shared", "--json"]);
        if let Some(line) = lines.lines().next() {
            let found: serde_json::Value = serde_json::from_str(line).unwrap();
            break found["id"].as_str().unwrap().to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };

    let link = up.answer(&["share", &id, "--title", "What I ran"]);
    assert!(link.starts_with("http://127.0.0.1:"), "{link}");
    assert!(link.contains("/s/") && link.ends_with('\n'), "{link}");
    let created = up.json(&["share", "shared.py", "--execution", &id]);
    let page = created["links"]["page"].as_str().unwrap();
    assert_eq!(page, format!("/s/{}", created["id"].as_str().unwrap()));
    let recording = format!("/v1/executions/{id}/recording");
    assert_eq!(created["links"]["recording"], recording.as_str());

    for (arguments, words) in [
        (&["share", &id, "--env", "A=B"][..], "only --title"),
        (&["share", "shared.py", "--session", "x"], "no session"),
        (
            &["share", "01941f29-7c00-7000-8000-000000000001"],
            "execution_id",
        ),
        (&["share", "nothing.py"], "nothing.py"),
    ] {
        let refused = up.run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let said = text(&refused.stderr);
        assert!(said.contains(words), "{said}");
    }
}
