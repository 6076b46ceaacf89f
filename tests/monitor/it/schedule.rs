//! Schedules: jobs are started and services restarted at their times.

use crate::cli_lab::CliLab;
use crate::common::{EVENT_TIMEOUT, lines};
use serde_json::Value;
use std::time::SystemTime;

/// Promise 6.56.
#[test]
fn job_runs_at_each_of_its_times_and_never_twice_at_once() {
    let cli = CliLab::new(
        r#"
        [bot.job]
        command = "/bin/sh"
        args = ["-c", "echo run >> LAB/runs"]
        restart = "never"
        schedule = "* * * * * *"

        [bot.long]
        command = "BOT"
        args = ["print:begins", "idle"]
        restart = "never"
        schedule = { every = "1s" }
        stdout = "LAB/long.log"

        [bot.later]
        command = "/bin/true"
        restart = "never"
        schedule = { cron = "0 0 1 1 *", time_zone = "UTC" }
        "#,
    );
    cli.start();
    lines(&cli.lab, "runs", 2);
    cli.until("job", |bot| bot["state"] == "exited" && bot["next_run"].is_f64());
    let left_out = |log: &str| log.contains("bot `long`: a run of its schedule is left out, since it is ");
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, left_out);
    assert_eq!(cli.lab.read("long.log"), "begins\n");
    // It was not started yet, is not a fault, and says when it will be.
    let later = cli.bot("later");
    assert_eq!((&later["state"], &later["autostart"]), (&"stopped".into(), &false.into()), "{later}");
    let days = (later["next_run"].as_f64().unwrap() - now()) / 86_400.0;
    assert!(days > 0.0 && days < 367.0, "{later}");
    assert!(cli.ctl(&["status", "later"]).run().exits(9).stdout.contains("next run in "));
    assert!(cli.ok(&["show", "later"]).contains("is started by its schedule"));
    cli.shutdown();
}

#[test]
fn service_is_restarted_only_while_it_runs() {
    let cli = CliLab::new(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\nschedule = { every = \"1s\" }\n[bot.db]\ncommand = \"BOT\"\nargs = [\"idle\"]\n",
    );
    cli.start();
    let first = cli.pid("web");
    let second = cli.until("web", |bot| bot["state"] == "running" && bot["pid"] != first);
    // It was stopped by its steps: nothing counts as an exit of its own.
    assert_eq!((&second["exits"], event(&second, "restart")), (&0.into(), 1), "{second}");
    cli.ok(&["stop", "web", "--wait"]);
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("it is stopped, so its schedule does not restart it"));
    assert_eq!(cli.bot("web")["state"], "stopped");
    cli.shutdown();
}

#[test]
fn reload_keeps_the_next_run_of_a_schedule_that_is_unchanged() {
    let bots = |schedule: &str, limit: u32| {
        format!("[bot.job]\ncommand = \"BOT\"\nrestart = \"never\"\n{schedule}\nlimit = {{ exits = {limit} }}\n")
    };
    let hourly = "schedule = { every = \"1h\" }";
    let cli = CliLab::new(&bots(hourly, 1));
    cli.start();
    let next_run = || cli.bot("job")["next_run"].as_f64();
    let planned = next_run().unwrap();
    assert!((planned - now() - 3600.0).abs() < 60.0);
    let reload = |bots: &str| {
        cli.configure(bots);
        cli.ok(&["reload"]);
    };
    reload(&bots(hourly, 2));
    let kept = next_run().unwrap();
    assert!((kept - planned).abs() < 0.05, "{kept} {planned}");
    reload(&bots("schedule = { every = \"2h\" }", 2));
    assert!(next_run().unwrap() - planned > 3000.0);
    reload(&bots("", 2));
    assert_eq!(next_run(), None);
    cli.shutdown();
}

/// Promise 6.56.
#[test]
fn job_that_was_missed_while_no_monitor_ran_runs_once_if_its_schedule_says_so() {
    let job = |name: &str, missed: &str| {
        format!(
            "[bot.{name}]\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"echo {name} >> LAB/runs\"]\nrestart = \"never\"\n\
             schedule = {{ cron = \"0 * * * *\", missed = \"{missed}\" }}\n"
        )
    };
    let cli = CliLab::new(&(job("made-up-for", "run") + &job("new", "run") + &job("skipped", "skip")));
    // An earlier monitor has ended some hours ago.
    let then = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() - 5 * 3600;
    cli.lab.write("m.schedule", format!("{then} made-up-for\n{then} skipped\n"));
    cli.start();
    cli.until_is("made-up-for", "exited");
    let status = cli.ctl(&["status", "made-up-for"]).run().stdout;
    assert!(status.contains("ended by status 0; ") && status.contains("s ago; next run in "), "{status}");
    let record = cli.lab.read("m.schedule");
    let times: Vec<(&str, u64)> = record
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(time, name)| (name, time.parse().unwrap()))
        .collect();
    assert!(
        times.iter().map(|(name, _)| *name).eq(["made-up-for", "new"])
            && times.iter().all(|(_, time)| *time > then + 3600),
        "{record}"
    );
    cli.restart_monitor();
    assert_eq!(cli.bot("made-up-for")["state"], "stopped");
    assert_eq!(cli.lab.read("runs"), "made-up-for\n");
    cli.shutdown();
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The total of an event.
fn event(bot: &Value, name: &str) -> u64 {
    let events = bot["events"].as_array().unwrap();
    events.iter().find(|event| event["name"] == name).and_then(|event| event["total"].as_u64()).unwrap_or(0)
}
