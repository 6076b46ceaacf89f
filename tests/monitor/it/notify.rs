//! What a bot says on its notify socket, beside that it is ready.

use crate::common::{lab, lines, number, start, status, stop, tell, wait_for};
use std::time::Duration;

/// Promise 6.40.
#[test]
fn message_with_descriptors_is_heard_and_they_are_closed() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            // Each of them ends only when the monitor has closed what it was sent.
            "stores ready=notify : BOT hand-over:FDSTORE=1+FDNAME=x hand-over:READY=1+FDSTORE=1 hand-over:BARRIER=1 touch:LAB/closed idle",
            "plain ready=notify autostart=no : BOT ready idle",
        ],
    );
    wait_for(&lab, "stores", "running");
    lab.wait_for("closed", Duration::from_secs(20), |_| true);
    let log = lab.read("m.log");
    let said = "bot `stores` wants descriptors to be kept (FDSTORE=1): they are not kept, but closed";
    assert!(log.matches(said).count() <= 1, "{log}");
    // A bot that sends none takes as many of the monitor's descriptors as one that does.
    let before = monitor.descriptors().len();
    tell(&lab, "start plain 20000");
    let one = monitor.descriptors().len() - before;
    tell(&lab, "stop plain 20000");
    tell(&lab, "stop stores 20000");
    let without = monitor.descriptors().len();
    tell(&lab, "start stores 20000");
    assert!(monitor.descriptors().len() - without <= one, "{:?}", monitor.descriptors());
    stop(&lab);
}

/// Promise 6.40.
#[test]
fn bot_that_asks_for_more_time_has_it_to_start_and_to_stop() {
    let lab = lab();
    let more = "BOT say:EXTEND_TIMEOUT_USEC=20000000";
    start(
        &lab,
        &[
            &format!("starts ready=notify ready_timeout=3000 limit=0/1000 : {more} sleep:3500 ready idle"),
            &format!(
                "stops ready=notify stop=TERM:3000 : sh trap '{more}; sleep 3.5; echo done > LAB/done; exit 0' TERM; BOT ready; while :; do sleep 0.1; done"
            ),
        ],
    );
    wait_for(&lab, "stops", "running");
    tell(&lab, "stop stops 20000");
    assert_eq!((lines(&lab, "done", 1), number(&status(&lab, "stops"), "kill")), (vec!["done".to_owned()], 0));
    wait_for(&lab, "starts", "running");
    assert_eq!(number(&status(&lab, "starts"), "exit"), 0);
    stop(&lab);
}
