//! The command line: verbs, options of the program beside the standard ones, suggestions, documents.

use super::{lab, run, run_on_terminal};

#[test]
fn help_has_the_options_of_the_program_and_of_the_daemon_apart() {
    let lab = lab();
    let help = run(&lab, &["start", "--help"]).ok().stdout;
    let (own, standard) = help.split_once("Daemon options:").expect("a heading");
    assert!(own.contains("--port <PORT>    Port to listen on [default: 8080]"), "{help}");
    for option in ["--pidfile", "--log", "--run-as", "--working-directory", "--start-timeout", "--name", "--lsb"] {
        assert!(standard.contains(option), "no {option}: {help}");
    }
    // The program has an option of this name.
    assert!(!standard.contains("--group"), "{help}");
    let help = run(&lab, &["--help"]).ok().stdout;
    assert!(help.starts_with("Waits until it is stopped\n") && help.contains("Verbs:\n"), "{help}");
    assert!(help.contains("--port") && !help.contains("--start-timeout"), "{help}");
    assert_eq!(run(&lab, &["--version"]).ok().stdout, "clilab 1.2.3\n");
}

/// Promise 11.01.
#[test]
fn misspelt_verb_and_option_are_usage_errors_with_suggestions() {
    let lab = lab();
    run(&lab, &["statsu"]).exits(2).says(&["'statsu'", "'status'"]);
    run(&lab, &["start", "--prot", "1"]).exits(2).says(&["'--prot'", "'--port'"]);
    run(&lab, &["--pidfil", "x"]).exits(2).says(&["'--pidfil'"]);
    run(&lab, &["send", "HUPP"]).exits(2).says(&["`HUPP` is not a known signal", "USR1"]);
    run(&lab, &["start", "--port", "many"]).exits(2).says(&["invalid value 'many'", "--port"]);
    run(&lab, &["--port", "1", "start"]).exits(2).says(&["before the verb `start`", "start --port 1`"]);
    assert!(lab.processes().is_empty());
}

#[test]
fn option_of_the_program_wins_over_the_standard_one() {
    let lab = lab();
    run(&lab, &["start", "--group", "s of the program"]).ok();
    lab.wait_for(&super::file("clilab", "log"), super::VERB_TIMEOUT, |log| log == "port 8080s of the program\n");
    run(&lab, &["stop"]).ok();
}

#[test]
fn call_without_verb_runs_or_starts_or_helps() {
    let lab = lab();
    let as_user = |arguments: &[&str]| lab.as_user(look::USER_WITH_HOME, arguments);
    as_user(&["--fail", "as told"]).run().exits(4).says(&["as told"]);
    as_user(&["--fail", "as told"]).env("CLILAB_DEFAULT", "start").run().exits(4).says(&["failed to start"]);
    as_user(&[]).env("CLILAB_DEFAULT", "help").run().ok().prints(&["Usage: "]);
    run_on_terminal(&lab, "").ok().prints(&["Usage:", "try-restart"]);
    let refused = run_on_terminal(&lab, "--port 1").exits(2);
    assert!(refused.stdout.contains("run --port 1` to run it here"), "{refused}");
}

#[test]
fn completions_and_manual_page_have_verbs_options_and_signals() {
    let lab = lab();
    let bash = run(&lab, &["completions", "bash"]).ok().stdout;
    assert!(bash.contains("try-restart") && bash.contains("--port") && bash.contains("USR1"), "{bash}");
    lab.write("completions", &bash);
    lab.command("bash", &["-n", "completions"]).run().ok();
    let manual = run(&lab, &["man"]).ok().stdout;
    assert!(manual.contains(".TH clilab 1") && manual.contains("\\-\\-port"), "{manual}");
    run(&lab, &["completions", "dcl"]).exits(2).says(&["possible values", "zsh"]);
}
