//! `schedule`.

use super::{config, mistakes};
use crate::bot::{Bot, MissedRuns, Ready, Restart, Schedule, ScheduledAction};
use std::time::Duration;

fn bot(lines: &str) -> Bot {
    config(&format!("[bot.job]\ncommand = \"/bin/true\"\n{lines}\n")).bots.remove(0)
}

#[test]
fn schedule_is_a_cron_expression_or_a_table() {
    for (written, schedule) in [
        ("\"*/5 * * * *\"", Schedule::cron("*/5 * * * *")),
        ("\"@daily\"", Schedule::cron("@daily")),
        ("\"${NONE:-0 3 * * MON-FRI}\"", Schedule::cron("0 3 * * MON-FRI")),
        ("{ every = \"1h\" }", Schedule::every(Duration::from_secs(3600))),
        (
            "{ cron = \"30 2 L * *\", time_zone = \"Europe/Berlin\", missed = \"run\", action = \"start\" }",
            Schedule::cron("30 2 L * *")
                .time_zone("Europe/Berlin")
                .missed(MissedRuns::Run)
                .action(ScheduledAction::Start),
        ),
    ] {
        assert_eq!(bot(&format!("schedule = {written}")).schedule, Some(Box::new(schedule)), "{written}");
    }
}

#[test]
fn job_with_a_schedule_does_not_start_with_the_monitor_unless_it_says_so() {
    let schedule = Schedule::cron("@daily");
    let job = || Bot::new("job", "/bin/true").schedule(schedule.clone());
    assert_eq!(bot("schedule = \"@daily\""), job());
    assert_eq!(bot("schedule = \"@daily\"\nrestart = \"never\""), job().restart(Restart::Never).autostart(false));
    assert_eq!(bot("ready = \"exit\"\nschedule = \"@daily\""), job().ready(Ready::Exit).autostart(false));
    let both = bot("schedule = \"@daily\"\nrestart = \"never\"\nautostart = true");
    assert_eq!(both, job().restart(Restart::Never));
}

#[test]
fn each_mistake_about_a_schedule_is_refused() {
    let of = |line: &str| mistakes(&format!("[bot.job]\ncommand = \"/bin/true\"\nschedule = {line}\n"));
    let long = format!("\"{} * * * *\"", "1,".repeat(200));
    for (line, place, expected) in [
        ("\"* * * *\"", "3:12", "`schedule`: `* * * *` is not a cron expression: "),
        ("\"61 * * * *\"", "3:12", "`schedule`: `61 * * * *` is not a cron expression: "),
        ("\"\"", "3:12", "`schedule`: `` is not a cron expression: "),
        ("\"@reboot\"", "3:12", "`schedule`: `@reboot` is not a time: write `autostart = true`"),
        ("\"0 0 30 2 *\"", "3:12", "`schedule`: `0 0 30 2 *` is a time that never comes"),
        (&*long, "3:12", "a cron expression has at most 256 bytes"),
        ("5", "3:12", "`schedule`: expected a table with `cron`, `every`, `time_zone`, `missed` and `action`"),
        ("{ }", "3:12", "expected one of `cron` and `every`"),
        ("{ cron = \"@daily\", every = \"1h\" }", "3:12", "expected one of `cron` and `every`"),
        ("{ every = \"10ms\" }", "3:22", "`every`: it is shorter than a second"),
        ("{ every = \"1h\", time_zone = \"UTC\" }", "3:22", "`every`: `time_zone` is for a cron expression"),
        (
            "{ cron = \"@daily\", time_zone = \"Mars/Base\" }",
            "3:21",
            "`cron`: there is no time zone `Mars/Base` on this machine",
        ),
        ("{ cron = \"@daily\", time_zone = \"../../etc/passwd\" }", "3:21", "there is no time zone"),
        ("{ cron = \"@daily\", missed = \"all\" }", "3:40", "`missed`: `all` is not known: write \"skip\" or \"run\""),
        (
            "{ cron = \"@daily\", action = \"stop\" }",
            "3:40",
            "`action`: `stop` is not known: write \"start\" or \"restart\"",
        ),
    ] {
        let told = of(line);
        assert!(told.starts_with(place) && told.contains(expected) && told.lines().count() == 1, "{line}: {told}");
    }
    let built = crate::config::Config::new(
        crate::settings::Settings::default(),
        [Bot::new("job", "/bin/true").schedule(Schedule::cron("never"))],
    );
    assert!(built.unwrap_err().to_string().contains("bot `job`: `schedule`: `never` is not a cron expression"));
}
