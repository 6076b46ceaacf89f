//! Instances: `--name blue` is a daemon of its own.

use super::{VERB_TIMEOUT, file, lab, run};

#[test]
fn instance_has_its_own_pidfile_log_and_record() {
    let lab = lab();
    run(&lab, &["start", "--port", "1"]).ok();
    run(&lab, &["start", "--name", "blue", "--port", "2"]).ok().prints(&["clilab@blue: started"]);
    let [plain, blue] = ["clilab", "clilab@blue"].map(|name| lab.daemon(&file(name, "pid")));
    assert!(plain.alive() && blue.alive() && plain.id() != blue.id());
    lab.wait_for(&file("clilab@blue", "log"), VERB_TIMEOUT, |log| log == "port 2\n");
    run(&lab, &["status", "--name", "blue"]).ok().prints(&["clilab@blue: running", &blue.id().to_string()]);
    run(&lab, &["logs", "--name=blue"]).ok().prints(&["port 2\n"]);
    run(&lab, &["restart", "--name", "blue"]).ok().prints(&["--port 2\n"]);
    assert!(plain.alive() && !blue.alive());
    run(&lab, &["stop", "--name", "blue"]).ok();
    assert!(plain.alive());
    run(&lab, &["stop"]).ok();
}

#[test]
fn instance_of_a_pidfile_of_the_keys_is_beside_it() {
    let lab = lab();
    let place = lab.path("home/a.pid").display().to_string();
    run(&lab, &["start", "--place", &place]).ok();
    run(&lab, &["start", "--place", &place, "--name", "blue"]).ok();
    let blue = lab.daemon("home/a@blue.pid");
    run(&lab, &["stop", "--name", "blue"]).ok();
    assert!(!blue.alive() && lab.daemon("home/a.pid").alive());
    run(&lab, &["stop"]).ok();
}

#[test]
fn name_that_is_not_a_plain_word_is_refused() {
    let lab = lab();
    for name in ["", "../x", ".x", "-x", "a/b", "a b", "a\nb", "%i"] {
        run(&lab, &["start", &format!("--name={name}")]).exits(2).says(&["--name <INSTANCE>"]);
    }
    assert!(lab.processes().is_empty());
}
