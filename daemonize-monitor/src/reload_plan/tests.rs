//! Each kind of change, and the bots that it starts, stops or restarts.

use super::ReloadPlan;
use crate::bot::{
    Backoff, Bot, CgroupLimits, Check, ListenAddress, Log, LogTarget, Ready, Resource, Restart, Schedule,
};
use crate::settings::{Handler, Settings};
use daemonize_core::Signal;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn between(old: &[Bot], new: &[Bot]) -> ReloadPlan {
    let settings = Settings::default();
    ReloadPlan::between((&settings, old), (&settings, new))
}

fn web() -> Bot {
    Bot::new("web", "/bin/web")
}

fn names(bots: &[Bot]) -> Vec<&str> {
    bots.iter().map(|bot| &*bot.name).collect()
}

/// One bot for each key that differs from [`web`] in this key only, and whether that restarts it.
fn changes() -> Vec<(&'static str, Bot, bool)> {
    let mut command = web();
    command.command = "/bin/other".into();
    let minute = Duration::from_secs(60);
    vec![
        ("command", command, true),
        ("args", web().argument("-v"), true),
        ("env", web().variable("A", "b"), true),
        ("clear_env", web().clear_environment(), true),
        ("cwd", web().directory("/srv"), true),
        ("user", web().user("web"), true),
        ("group", web().group("web"), true),
        ("umask", web().umask(0o27), true),
        ("no_new_privs", web().no_new_privs(true), true),
        ("stdout", web().stdout(LogTarget::Null), true),
        ("stdout", web().stdout(LogTarget::Inherit), true),
        ("stderr", web().stderr(LogTarget::Memory), true),
        ("stdout", web().stdout(Log::new("/var/log/web")), false),
        ("autostart", web().autostart(false), false),
        ("restart", web().restart(Restart::Never), false),
        ("limit", web().limit(1, minute), false),
        ("backoff", web().backoff(Backoff { first: minute, ..Backoff::default() }), false),
        ("stop", web().stop([(Signal::SIGINT, minute)]), false),
        ("depends_on", web().depends_on("db"), false),
        ("ready", web().ready(Ready::Notify), false),
        ("ready_timeout", web().ready_timeout(Duration::from_secs(1)), false),
        ("check", web().health_check(Check::tcp("127.0.0.1:80".parse().unwrap())), false),
        ("bot_group", web().bot_group("shop"), false),
        ("schedule", web().schedule(Schedule::every(minute)), false),
        ("listen", web().listen(ListenAddress::Tcp("127.0.0.1:80".parse().unwrap())), true),
        // One field with the other hooks.
        ("on_exit", web().on_exit(["/bin/mail"]), false),
        ("nice", web().nice(5), true),
        ("rlimits", web().rlimit(Resource::Core, 0), true),
        ("oom_score_adjust", web().oom_score_adjust(500), true),
        ("memory_max", web().memory_max(1 << 29), false),
        ("cgroup", web().cgroup(CgroupLimits::default()), false),
    ]
}

/// Promise 6.06.
#[test]
fn each_change_restarts_its_bot_or_applies_live() {
    for (key, bot, restarts) in changes() {
        let plan = between(&[web(), Bot::new("db", "/bin/db")], &[bot.clone(), Bot::new("db", "/bin/db")]);
        let (changed, other) =
            if restarts { (&plan.restarted, &plan.changed_live) } else { (&plan.changed_live, &plan.restarted) };
        assert_eq!(changed.iter().map(|changed| &changed.bot).collect::<Vec<_>>(), [&bot], "{key}");
        assert_eq!(changed[0].keys, [key]);
        assert_eq!((other.len(), plan.added.len(), plan.removed.len()), (0, 0, 0), "{key}");
        assert_eq!(plan.untouched, ["db"]);
        assert!(!plan.is_empty());
    }
}

/// Promise 6.06. The list above is whole: what is not in it would change a running bot's specification without a word.
#[test]
fn no_field_of_a_bot_is_forgotten() {
    let fields =
        format!("{:#?}", web()).lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")).count();
    let closing = format!("{:#?}", web()).lines().filter(|line| ["    },", "    ],", "    ),"].contains(line)).count();
    let keys: BTreeSet<&str> = changes().into_iter().map(|(key, ..)| key).collect();
    // The name says which bot it is, `instances` how many of them there are, and `instance_bots` what each of these is.
    assert_eq!(fields - closing, keys.len() + 3);
}

/// Promise 6.06.
#[test]
fn the_same_configuration_changes_nothing() {
    let bots = [web(), Bot::new("db", "/bin/db").instances(3)];
    let plan = between(&bots, &bots);
    assert!(plan.is_empty());
    assert_eq!(plan.untouched, ["web", "db:1", "db:2", "db:3"]);
    assert_eq!(plan.to_string(), "4 bots are left as they are\n");
}

/// Promise 6.06.
#[test]
fn one_more_instance_touches_no_other() {
    let plan = between(&[web().instances(2)], &[web().instances(3)]);
    assert_eq!((names(&plan.added), plan.untouched), (vec!["web:3"], vec!["web:1".to_owned(), "web:2".into()]));
    let plan = between(&[web().instances(2)], &[web().instances(1)]);
    assert_eq!((names(&plan.removed), plan.untouched), (vec!["web:2"], vec!["web:1".to_owned()]));
}

#[test]
fn a_log_that_moves_applies_live() {
    let plan = between(&[web().stdout(Log::new("/a"))], &[web().stdout(Log::new("/b"))]);
    assert_eq!(plan.changed_live[0].keys, ["stdout"]);
}

#[test]
fn the_settings_of_the_monitor_apply_at_once_or_later() {
    let old = Settings::default();
    let new = Settings {
        name: "other".into(),
        pidfile: Some("/run/x.pid".into()),
        log: Some(Handler::Stdout),
        stop_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let plan = ReloadPlan::between((&old, &[]), (&new, &[]));
    assert_eq!((&*plan.settings, &*plan.settings_later), (&["log", "stop_timeout"][..], &["name", "pidfile"][..]));
    assert!(!plan.is_empty());
}

#[test]
fn a_plan_reads_well() {
    let old = [web(), Bot::new("old", "/bin/old"), Bot::new("db", "/bin/db"), Bot::new("same", "/bin/same")];
    let new = [
        web().limit(7, Duration::from_secs(60)).restart(Restart::Never),
        Bot::new("db", "/bin/db").argument("-v").umask(0),
        Bot::new("same", "/bin/same"),
        Bot::new("new", "/bin/new"),
        Bot::new("later", "/bin/later").autostart(false),
    ];
    assert_eq!(
        between(&old, &new).to_string(),
        "stop     old: it is not in the configuration any more\n\
         restart  db: args, umask changed\n\
         change   web: restart, limit; it runs on\n\
         start    new: it is new\n\
         add      later: it is new, and is started by a command only\n\
         1 bot is left as it is\n"
    );
}

/// A few bots with few differences, so that all kinds of changes are met.
fn any_bots() -> impl Strategy<Value = Vec<Bot>> {
    let bot =
        (0..6_u8, 0..2_u8, 0..2_u32, proptest::option::of(1..3_u32)).prop_map(|(name, argument, exits, instances)| {
            let mut bot = Bot::new(format!("b{name}"), "/bin/b")
                .argument(argument.to_string())
                .limit(exits, Duration::from_secs(60));
            bot.instances = instances;
            bot
        });
    prop::collection::vec(bot, 0..6).prop_map(|mut bots| {
        bots.sort_by(|one, other| one.name.cmp(&other.name));
        bots.dedup_by(|one, other| one.name == other.name);
        bots
    })
}

proptest! {
    /// Promise 6.06. The running bots after the plan are those of the new configuration, and no bot is in two lists.
    #[test]
    fn the_old_bots_and_the_plan_make_the_new_ones(old in any_bots(), new in any_bots()) {
        let plan = between(&old, &new);
        let units = |bots: &[Bot]| bots.iter().flat_map(Bot::units).collect::<Vec<_>>();
        let mut carried_out: Vec<Bot> = units(&old).into_iter().filter(|bot| plan.untouched.contains(&bot.name)).collect();
        carried_out.extend(plan.added.iter().cloned());
        carried_out.extend(plan.restarted.iter().chain(&plan.changed_live).map(|changed| changed.bot.clone()));
        carried_out.sort_by(|one, other| one.name.cmp(&other.name));
        let mut wanted = units(&new);
        wanted.sort_by(|one, other| one.name.cmp(&other.name));
        prop_assert_eq!(carried_out, wanted);
        let gone: BTreeSet<_> = units(&old).into_iter().map(|bot| bot.name).collect();
        let there: BTreeSet<_> = units(&new).into_iter().map(|bot| bot.name).collect();
        let removed: BTreeSet<_> = plan.removed.iter().map(|bot| bot.name.clone()).collect();
        prop_assert_eq!(removed, gone.difference(&there).cloned().collect::<BTreeSet<_>>());
    }
}
