//! The nice value, the limits and the OOM score of a bot.

use crate::common::{PIDFILE, lab, process, refused, start, stop, write_bots};

fn read(pid: i32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap()
}

/// Returns the soft and the hard limit of a process.
fn limit(pid: i32, name: &str) -> String {
    let limits = read(pid, "limits");
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit").to_owned();
    line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>().join(" ")
}

/// Promise 6.75.
#[test]
fn bot_of_another_user_has_the_limits_that_root_sets() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"], user = "nobody", cwd = "/", nice = -5, oom_score_adjust = 200, rlimits = { nofile = ["${SOFT:-1000}", 2000], core = [0, 0], as = "1GB", nproc = 77 } }"#,
            r#"plain = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    let nice = |pid: i32| read(pid, "stat").rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap().to_owned();
    let [web, plain] = ["web", "plain"].map(|name| process(&lab, name).id());
    assert_eq!(limit(web, "Max open files"), "1000 2000");
    assert_eq!(limit(web, "Max core file size"), "0 0");
    assert_eq!(limit(web, "Max address space"), "1000000000 1000000000");
    assert_eq!(limit(web, "Max processes"), "77 77");
    assert_eq!((&*nice(web), read(web, "oom_score_adj").trim()), ("-5", "200"));
    // If the kernel schedules by session, the nice value is that of the session too.
    if let Ok(group) = std::fs::read_to_string(format!("/proc/{web}/autogroup")) {
        assert!(group.trim().ends_with("nice -5"), "{group}");
    }
    // A bot without the keys has what the monitor was started with, and not its raised limit of descriptors.
    let this = std::process::id().try_into().unwrap();
    for name in ["Max open files", "Max processes"] {
        assert_eq!(limit(plain, name), limit(this, name), "{name}");
    }
    assert_eq!((nice(plain), read(plain, "oom_score_adj")), (nice(this), read(this, "oom_score_adj")));
    stop(&lab);
}

/// Promise 6.75. The monitor, which dumps no core, may not raise a hard limit.
#[test]
fn bot_of_a_monitor_without_capabilities_may_dump_core() {
    const CORE: &str = "Max core file size";
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"], rlimits = { core = [4096, 8192] } }"#,
            r#"plain = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    let this = limit(std::process::id().try_into().unwrap(), CORE);
    let hard = this.rsplit(' ').next().expect("a hard limit");
    assert_ne!(hard, "0", "this test needs a hard limit above 0 for core files (ulimit -Hc)");
    lab.shell("exec setpriv --bounding-set -sys_resource \"$D\" -c m.toml start").run().ok();
    let [web, plain] = ["web", "plain"].map(|name| process(&lab, name).id());
    assert_eq!(limit(web, CORE), "4096 8192");
    assert_eq!(limit(plain, CORE), format!("0 {hard}"));
    assert_eq!(limit(lab.daemon(PIDFILE).id(), CORE), format!("0 {hard}"));
    stop(&lab);
}

/// Promise 6.75.
#[test]
fn limit_that_the_kernel_refuses_is_named() {
    let lab = lab();
    let web = r#"web = { command = "BOT", args = ["idle"], autostart = false, rlimits = { msgqueue = 1000 }, limit = { exits = 0, window = "1h" } }"#;
    write_bots(&lab, &[web]);
    // Without the right to raise limits, which root may have or not.
    lab.shell("exec setpriv --bounding-set -sys_resource \"$D\" -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE).id().to_string();
    lab.command("prlimit", &["--pid", &monitor, "--msgqueue=10:10"]).run().ok();
    let told = refused(&lab, "start web");
    assert!(told.contains("failed to set `rlimits.msgqueue` of `web`: operation not permitted"), "{told}");
    write_bots(&lab, &[&web.replace("msgqueue = 1000", "nofile = 2000000000000")]);
    let told = lab.shell("exec setpriv --bounding-set -sys_resource \"$D\" -c m.toml check").run().stderr;
    assert!(told.contains("m.toml:7:") && told.contains("`nofile`: this user may have at most"), "{told}");
    let reload = refused(&lab, "reload");
    assert!(reload.contains("needs CAP_SYS_RESOURCE"), "{reload}");
    write_bots(&lab, &[web]);
    stop(&lab);
}

/// Promise 6.75.
#[test]
fn limit_that_is_none_is_a_mistake_at_its_place() {
    let lab = lab();
    for (keys, told) in [
        ("nice = 20", "`nice`: expected a whole number from -20 to 19, found 20"),
        ("memory_max = \"10\"", "`memory_max`: `10` has no unit"),
        ("rlimits = { nofil = 5 }", "unknown key `nofil`: did you mean `nofile`?"),
        ("rlimits = { nofile = [5, 4] }", "`nofile`: the soft limit is higher than the hard one"),
        ("rlimits = { core = \"many\" }", "`core`: `many` is not a size"),
        ("rlimits = { nofile = \"5MB\" }", "`nofile`: `5MB` is not a limit"),
        ("oom_score_adjust = -1001", "`oom_score_adjust`: expected a whole number from -1000 to 1000"),
        ("cgroup = { cpu_max = \"50\" }", "`cpu_max`: `50` is not a percentage of one processor"),
    ] {
        write_bots(&lab, &[&format!("web = {{ command = \"BOT\", {keys} }}")]);
        let found = refused(&lab, "check");
        assert!(found.contains(told) && found.contains("m.toml:7:"), "{keys}: {found}");
    }
}
