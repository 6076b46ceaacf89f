//! The verb `status`: lines for people, JSON for programs.

use super::{file, lab, run};
use serde_json::{Value, json};

#[test]
fn status_shows_pid_time_pidfile_and_log() {
    let lab = lab();
    run(&lab, &["start"]).ok();
    let (pidfile, log) = (file("clilab", "pid"), file("clilab", "log"));
    let daemon = lab.daemon(&pidfile);
    let status = run(&lab, &["status"]).ok();
    let (pidfile, log) = (lab.path(&pidfile).display().to_string(), lab.path(&log).display().to_string());
    let lines: Vec<&str> = status.stdout.lines().collect();
    assert_eq!((lines[0], lines[1]), ("clilab: running", &*format!("  pid      {}", daemon.id())));
    assert!(lines[2].starts_with("  since    20") && lines[2].ends_with(" ago)"), "{status}");
    assert_eq!(lines[3..], [format!("  pidfile  {pidfile}"), format!("  log      {log}")]);
    let document: Value = serde_json::from_str(&run(&lab, &["status", "--json"]).ok().stdout).expect("JSON");
    for (key, value) in [
        ("name", json!("clilab")),
        ("state", json!("running")),
        ("exit_status", json!(0)),
        ("pid", json!(daemon.id())),
        ("pidfile", json!(pidfile)),
        ("log", json!(log)),
        ("unit", Value::Null),
        ("last_end", Value::Null),
        ("warnings", json!([])),
    ] {
        assert_eq!(document[key], value, "{key}: {document}");
    }
    run(&lab, &["stop"]).ok();
    let document: Value = serde_json::from_str(&run(&lab, &["status", "--json"]).exits(3).stdout).expect("JSON");
    assert_eq!((&document["state"], &document["pid"]), (&json!("stopped"), &Value::Null));
}

#[test]
fn status_names_the_last_end_with_time_and_cause() {
    let lab = lab();
    run(&lab, &["start", "--later", "no\x1b[2J table"]).ok();
    lab.quiet(super::VERB_TIMEOUT).expect("its body failed");
    let status = run(&lab, &["status"]).exits(3);
    let end = status.stdout.lines().find(|line| line.starts_with("  last end ")).expect("a last end");
    assert!(end.contains(" ago), status ") && end.ends_with("no\\u{1b}[2J table"), "{status}");
    let document: Value = serde_json::from_str(&run(&lab, &["status", "--json"]).exits(3).stdout).expect("JSON");
    assert!(document["last_end"]["text"].as_str().is_some_and(|text| text.ends_with("table")), "{document}");
    assert!(document["last_end"]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{document}");
}
