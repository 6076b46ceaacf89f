//! Tests of the command line.

use super::*;
use daemonize_monitor::Parallel;

#[test]
fn the_command_line_has_no_contradiction() {
    Arguments::command().debug_assert();
}

#[test]
fn durations_have_units() {
    let milliseconds = |text| duration(text).map(|time| time.as_millis());
    for (text, expected) in [("10", 10_000), ("10s", 10_000), ("1.5s", 1500), ("500ms", 500), ("2m", 120_000), ("0", 0)]
    {
        assert_eq!(milliseconds(text), Ok(expected), "{text}");
    }
    for text in ["", "s", "-1s", "NaN", "inf", "1e300h"] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn wait_takes_a_time_only_behind_an_equals_sign() {
    let parsed = |words: &[&str]| Arguments::try_parse_from([&["daemonctl"], words].concat()).unwrap().command;
    let CliCommand::Start { bots, wait, .. } = parsed(&["start", "--wait", "web"]) else { panic!() };
    assert_eq!((bots, wait.wait), (vec!["web".to_owned()], Some(Duration::from_secs(60))));
    let CliCommand::Start { wait, .. } = parsed(&["start", "--wait=2m"]) else { panic!() };
    assert_eq!(wait.wait, Some(Duration::from_secs(120)));
    let CliCommand::Start { bots, arguments, .. } = parsed(&["start", "/bin/x", "--", "-c", "web"]) else { panic!() };
    assert_eq!((bots.len(), arguments.len()), (1, 2));
}

#[test]
fn restart_takes_a_number_of_instances_or_all() {
    let parsed =
        |words: &[&str]| Arguments::try_parse_from([&["daemonctl"], words].concat()).map(|parsed| parsed.command);
    for (word, expected) in [("2", "2".parse().ok()), ("all", Some(Parallel::All))] {
        let Ok(CliCommand::Restart { parallel, .. }) = parsed(&["restart", "web", "--parallel", word]) else {
            panic!()
        };
        assert_eq!(parallel.parallel, expected);
    }
    for word in ["0", "-1", "+1", "none", "4294967296"] {
        let parallel = format!("--parallel={word}");
        assert!(parsed(&["restart", "web", &parallel]).is_err() && parsed(&["reload", &parallel]).is_err(), "{word}");
    }
}

#[test]
fn stop_wants_names_or_all() {
    let parse = |words: &[&str]| Arguments::try_parse_from([&["daemonctl"], words].concat()).is_ok();
    assert!(parse(&["stop", "web"]) && parse(&["stop", "--all"]));
    assert!(!parse(&["stop"]) && !parse(&["stop", "--all", "web"]) && !parse(&["signal", "HUP"]));
    assert!(parse(&["signal", "hup", "web"]) && parse(&["signal", "1", "-a"]) && !parse(&["signal", "x", "web"]));
}

#[test]
fn usage_names_the_arguments_in_the_order_in_which_they_are_read() {
    let missing = Arguments::try_parse_from(["daemonctl", "signal"]).unwrap_err().to_string();
    assert!(missing.contains("Usage: daemonctl signal [OPTIONS] <SIGNAL> <BOT...|--all>"), "{missing}");
    for command in ["stop", "restart", "destroy"] {
        let missing = Arguments::try_parse_from(["daemonctl", command]).unwrap_err().to_string();
        assert!(missing.contains(&format!("Usage: daemonctl {command} [OPTIONS] <BOT...|--all>")), "{missing}");
    }
}
