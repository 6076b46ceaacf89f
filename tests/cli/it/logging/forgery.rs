//! Text in records that tries to forge other records, to control a terminal, or to fill the log; records in awkward places.

use super::{EVENT_TIMEOUT, lab, start, stop};

/// Promise 11.15.
#[test]
fn record_with_line_ends_and_escapes_is_one_line_of_bounded_length() {
    let lab = lab();
    start(&lab, &["attack"]);
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("after the attack\n"));
    assert!(log.chars().all(|letter| matches!(letter, ' '..='~' | '\n')), "{log:?}");
    for line in log.lines() {
        let (time, rest) = line.split_at("2026-01-01T00:00:00.000000Z".len());
        assert!(time.ends_with('Z') && !line.starts_with("2026-01-01T"), "{line:?}");
        assert!(rest.starts_with("  INFO ") || rest.starts_with("  WARN ") || rest.starts_with(" ERROR "), "{line:?}");
        assert!(line.len() < 65 * 1024, "{} bytes", line.len());
    }
    for part in [
        "records: x\\n2026-01-01T00:00:00.000000Z ERROR forged: in a field\\r\\n<0>forged\\x1b[31m\\u{202e}",
        "span{name=x\\n2026",
        " INFO evil\\ntarget: x\\n",
        // 300000 bytes and the line end of none, less 64 KiB and the target before them.
        " bytes left out]\n",
        "records: formatted\n",
        "records: after the attack\n",
    ] {
        assert!(log.contains(part), "{part:?} is missing in {log}");
    }
    stop(&lab);
}

#[test]
fn record_in_a_panic_hook_and_after_a_panic_in_a_record_is_logged() {
    let lab = lab();
    start(&lab, &["panic"]);
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("after the panic\n"));
    assert!(log.contains(" ERROR logging_lab::records: panicked: panicked at "), "{log}");
    let after = log.lines().find(|line| line.ends_with("after the panic")).expect("a record");
    assert_eq!(after.matches(" INFO ").count(), 1, "{after}");
    stop(&lab);
}
