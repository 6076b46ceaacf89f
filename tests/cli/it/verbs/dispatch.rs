//! A program with a command line of its own, which passes verbs to its daemon.

use super::{file, lab_of, run};

#[test]
fn verbs_of_a_program_with_its_own_command_line_act_on_its_daemon() {
    let lab = lab_of(env!("CARGO_BIN_EXE_dispatchlab"));
    run(&lab, &["greet"]).ok().prints(&["hello"]);
    run(&lab, &["daemon", "start", "--name", "blue"]).ok().prints(&["dispatchlab@blue: started"]);
    let daemon = lab.daemon(&file("dispatchlab@blue", "pid"));
    run(&lab, &["daemon", "status", "--name", "blue"]).ok();
    run(&lab, &["daemon", "status"]).exits(3);
    run(&lab, &["daemon", "restart", "--name", "blue"]).ok();
    assert!(!daemon.alive());
    run(&lab, &["daemon", "stop", "--name", "blue", "--lsb"]).ok().prints(&["stopped"]);
    run(&lab, &["daemon", "reload", "--lsb"]).exits(7);
    run(&lab, &["daemon", "stat"]).exits(2).says(&["'stat'", "'status'"]);
}
