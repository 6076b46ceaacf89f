//! A body that returns an exit status of its own, as `main` does, and one that returns an error.

use look::Lab;

use crate::common::{EVENT_TIMEOUT, lab, nothing_left, run};
use crate::last_words::{live, status};

/// A body that returns status 7 after it was ready.
const RETURNS: [&str; 3] = ["ready=manual", "body=ready,complain:no paper\\n", "returns=7"];

/// Promise 2.34.
#[test]
fn body_that_returns_a_status_ends_without_words_of_the_library() {
    let lab = lab();
    let program = ["foreground", "pidfile=d.pid"];
    let outcome = lab.helper(&program).args(RETURNS).env("LAB_LOG", "log").run().exits(7);
    assert_eq!(outcome.stderr, "no paper\\n", "{outcome}");
    let log = lab.read("log");
    assert!(log.contains(" WARN lab: ends with status 7\n") && !log.contains("ERROR"), "{log}");
    live(&lab, "start", &[&RETURNS[..], &["stderr=err"]].concat());
    assert_eq!(lab.read("err"), "no paper\\n");
    let said = status(&lab).exits(3).stdout;
    assert!(said.contains("; ended ") && said.contains(" with status 7\n") && !said.contains("said"), "{said}");
    cleared(&lab);
}

/// Promise 2.34. A failed handler is no reason that the body has chosen.
#[test]
fn words_of_a_handler_that_failed_stay_beside_a_status_of_the_body() {
    let lab = lab();
    let settings = ["ready=manual", "body=ready,idle", "returns=7", "handle=TERM:err:no ink", "stderr=err"];
    run(&lab, "start", &settings).ok();
    run(&lab, "stop", &[]).ok();
    lab.quiet(EVENT_TIMEOUT).expect("the daemon ends");
    assert!(lab.read("err").contains("no ink"), "{}", lab.read("err"));
    nothing_left(&lab);
}

/// Promise 2.34.
#[test]
fn start_of_a_body_that_returns_a_status_at_once_fails_with_it() {
    let lab = lab();
    for settings in [&["returns=7"][..], &["returns=7", "ready=manual"]] {
        let failed = run(&lab, "start", &[settings, &["body=pause:0"]].concat()).exits(4);
        assert_eq!(failed.stderr, "error: failed to start: the body returned exit status 7\n", "{settings:?}");
        nothing_left(&lab);
    }
    let failed = run(&lab, "start", &["body=err:no table", "returns=7"]).exits(4);
    assert_eq!(failed.stderr, "error: failed to start: the body failed: no table\n");
    nothing_left(&lab);
}

/// Removes the last words, which a stop does.
fn cleared(lab: &Lab) {
    run(lab, "stop", &[]).ok();
    nothing_left(lab);
}
