//! Exit statuses: those of the library, and those of LSB init scripts.

use super::{VERB_TIMEOUT, file, lab, run};

/// Promises 11.16, 1.17.
#[test]
fn lsb_statuses_are_those_of_init_scripts() {
    let lab = lab();
    run(&lab, &["stop", "--lsb"]).ok();
    run(&lab, &["status", "--lsb"]).exits(3);
    run(&lab, &["reload", "--lsb"]).exits(7);
    run(&lab, &["send", "--lsb", "USR1"]).exits(7);
    run(&lab, &["try-restart", "--lsb"]).ok();
    run(&lab, &["--lsb", "start", "--fail", "no"]).exits(1);
    run(&lab, &["--lsb", "start", "--prot"]).exits(2);
    run(&lab, &["--lsb", "start"]).ok();
    run(&lab, &["start", "--lsb"]).ok().prints(&["already running"]);
    run(&lab, &["--lsb", "status"]).ok();
    run(&lab, &["--lsb", "stop"]).ok();
}

#[test]
fn statuses_without_lsb_tell_a_second_start_and_a_missing_daemon() {
    let lab = lab();
    run(&lab, &["stop"]).ok().prints(&["clilab: not running"]);
    run(&lab, &["reload"]).exits(5).says(&["failed to reload", "not running"]);
    run(&lab, &["start"]).ok();
    run(&lab, &["start"]).exits(3).says(&["already running as pid"]);
    run(&lab, &["send", "KILL"]).ok();
    // All of its threads: `status` takes one that is left for the daemon.
    lab.daemon(&file("clilab", "pid")).died(VERB_TIMEOUT).expect("it was killed");
    run(&lab, &["status"]).exits(1).prints(&["clilab: dead"]);
    run(&lab, &["stop"]).ok();
    run(&lab, &["status"]).exits(3).prints(&["clilab: stopped"]);
}
