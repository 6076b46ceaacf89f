//! Streams of the HTTP interface: changes of bots, and lines of their logs.

use crate::cli_lab::CliLab;
use crate::listener_routes::{BOTS, EVENT_TIMEOUT, connect};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::time::Instant;

#[test]
fn event_stream_reports_deaths_counts_and_removals() {
    let cli = CliLab::new(BOTS);
    cli.start();
    let client = cli.client();
    let mut events = client.events().expect("events");
    client.get("/bots").expect("bots");
    let pid = cli.pid("web:1");
    look::Process::new(pid).signal(Signal::SIGKILL);
    let mut next = |name: &str, holds: &dyn Fn(&Value) -> bool| {
        let deadline = Instant::now() + EVENT_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = events.next_within(left).expect("a stream").unwrap_or_else(|| panic!("no such event `{name}`"));
            if event.name == name && holds(&event.data) {
                return event.data;
            }
        }
    };
    let back = next("bot", &|bot| bot["name"] == "web:1" && bot["state"] == "running" && bot["pid"] != pid);
    assert_eq!(back["exits"], 1);
    cli.ok(&["event", "web:2", "hit"]);
    let counts = next("counts", &|counts| counts["name"] == "web:2" && counts["events"].to_string().contains("hit"));
    let hit =
        counts["events"].as_array().expect("events").iter().find(|event| event["name"] == "hit").expect("the event");
    assert_eq!((hit["total"].as_i64(), hit["minutes"].as_array().map(Vec::len)), (Some(1), Some(60)));
    cli.configure("[bot.dies]\ncommand = \"BOT\"\nargs = [\"exit:7\"]\nautostart = false\n");
    cli.ok(&["reload"]);
    next("removed", &|removed| removed["name"] == "web:1");
    cli.shutdown();
}

#[test]
fn lines_are_followed_as_they_come() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until_is("web:1", "running");
    let client = cli.client();
    let end = Instant::now() + EVENT_TIMEOUT;
    while client.get("/bots/web:1/log?lines=2").expect("lines")["lines"].as_array().map(Vec::len) != Some(2) {
        assert!(Instant::now() < end, "no lines");
    }
    let mut stream = BufReader::new(connect(&cli));
    stream
        .get_mut()
        .write_all(b"GET /bots/web:1/log?follow=1&lines=1 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .expect("a request");
    let mut lines = stream.by_ref().lines().map(|line| line.expect("a line"));
    assert_eq!(lines.next().as_deref(), Some("HTTP/1.1 200 OK"));
    assert!(lines.by_ref().take_while(|line| !line.is_empty()).any(|line| line == "content-type: text/event-stream"));
    let mut data = lines
        .filter_map(|line| line.strip_prefix("data: ").map(|data| serde_json::from_str::<String>(data).expect("JSON")));
    let last = data.next().expect("the last line");
    cli.ok(&["restart", "web:1"]);
    let again: Vec<String> = data.by_ref().take(3).collect();
    assert_eq!((again.len(), &again[2]), (3, &last));
    cli.shutdown();
    assert_eq!(data.next(), None);
}
