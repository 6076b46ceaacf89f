//! What bots report.

use std::time::{Duration, Instant};

use crate::common::{lab, number, size, start, status, stop, tell, wait_for};

#[test]
fn events_are_counted_by_name() {
    let lab = lab();
    start(
        &lab,
        &[
            "web restart=never ready=exit : BOT event:reply:1000 event:miss:7 exit:0",
            "shell restart=never ready=exit : sh echo done >&3; printf 'a\\n\\nb b\\n' >&3",
        ],
    );
    wait_for(&lab, "web", "exited");
    wait_for(&lab, "shell", "exited");
    tell(&lab, "event web reply");
    let web = status(&lab, "web");
    assert_eq!((number(&web, "reply"), number(&web, "miss"), number(&web, "exit")), (1001, 7, 1), "{web}");
    let shell = status(&lab, "shell");
    assert_eq!((number(&shell, "done"), number(&shell, "a")), (1, 1), "{shell}");
    stop(&lab);
}

/// A million events are taken in a second or so, and commands are answered meanwhile. (The figure is not asserted: the
/// machine may be busy; that commands are answered is.)
#[test]
fn a_flood_of_events_keeps_no_command_waiting() {
    let lab = lab();
    let count = size(500_000, 5_000_000);
    let bot = format!("web restart=never ready=exit : BOT event:reply:{count} exit:0");
    start(&lab, &["quiet : BOT idle", &bot]);
    let begin = Instant::now();
    let mut slowest = Duration::ZERO;
    while !status(&lab, "web").contains("exited") {
        let asked = Instant::now();
        tell(&lab, "ping");
        slowest = slowest.max(asked.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(60), "{}", status(&lab, "web"));
    }
    println!("{count} events in {:?}, slowest answer {slowest:?}", begin.elapsed());
    assert_eq!(number(&status(&lab, "web"), "reply"), count as u64);
    assert!(slowest < Duration::from_secs(5), "a command took {slowest:?}");
    stop(&lab);
}
