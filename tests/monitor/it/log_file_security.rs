//! Logs in directories of the bot's own user, who may replace any file there: root neither writes nor shows any other
//! file.

use std::time::{Duration, Instant};

use crate::cli_lab::CliLab;
use crate::common::{EVENT_TIMEOUT, lab, lines, number, process, refused, start, status, stop, tell};
use look::Lab;

fn needs_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
}

/// Prepares a lab with `theirs/logs`, of user `nobody`, and `precious/web.log`, which only root may read.
fn prepare(lab: &Lab) {
    needs_root();
    lab.shell(
        "mkdir -p theirs/logs precious && chmod 700 precious && echo secret > precious/web.log
        chown -R nobody theirs",
    )
    .run()
    .ok();
}

/// Runs a script as `nobody`.
fn as_nobody(lab: &Lab, script: &str) {
    let who = ["--reuid=nobody", "--regid=65534", "--clear-groups", "bash", "-euc", script];
    lab.command("setpriv", &who).run().ok();
}

/// Returns a bot, with this name and these settings, that prints a line now and then.
fn talking(name: &str, settings: &str) -> String {
    format!(r#"{name} = {{ command = "/bin/sh", args = ["-c", "while sleep 0.05; do echo line; done"], {settings} }}"#)
}

/// Waits until the bot's JSON contains this text, and bytes were lost.
fn until_lost(lab: &Lab, bot: &str, text: &str) {
    let begin = Instant::now();
    loop {
        let told = status(lab, bot);
        if number(&told, "dropped") > 0 && told.contains(text) {
            return;
        }
        assert!(begin.elapsed() < EVENT_TIMEOUT, "{told}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Promise 2.15.
#[test]
fn root_writes_no_log_behind_a_link_of_a_bot() {
    let lab = lab();
    prepare(&lab);
    start(
        &lab,
        &[
            &talking("web", r#"user = "nobody", stdout = { file = "LAB/theirs/logs/web.log", max_size = "0B" }"#),
            // The log of this bot is rotated about every second.
            &talking(
                "small",
                r#"user = "nobody", stdout = { file = "LAB/theirs/small/web.log", max_size = "100B", keep = 2 }"#,
            ),
            // Root does not log into a directory of `nobody`.
            &talking("ours", r#"stdout = "LAB/theirs/logs/ours.log""#),
        ],
    );
    lines(&lab, "theirs/logs/web.log", 2);
    until_lost(&lab, "ours", "belongs to user `nobody`");
    assert!(!lab.path("theirs/logs/ours.log").exists());
    let web = process(&lab, "web");
    as_nobody(&lab, "cd theirs; mkdir small");
    lines(&lab, "theirs/small/web.log.1", 2);

    let link = "mv logs old; mv small other; ln -s ../precious logs; ln -s ../precious small";
    as_nobody(&lab, &format!("cd theirs; {link}; rm old/web.log other/web.log"));
    for bot in ["web", "small"] {
        until_lost(&lab, bot, "symbolic link");
    }
    let hup = lab.daemon(crate::common::PIDFILE);
    hup.signal(nix::sys::signal::Signal::SIGHUP);
    let before = number(&status(&lab, "web"), "dropped");
    let begin = Instant::now();
    while number(&status(&lab, "web"), "dropped") < before + 100 {
        assert!(begin.elapsed() < EVENT_TIMEOUT, "{}", status(&lab, "web"));
    }
    let precious = lab.shell("ls -A precious; cat precious/web.log").run().ok().stdout;
    assert_eq!(precious, "web.log\nsecret\n");

    as_nobody(&lab, "cd theirs; rm logs small; mv old logs; mv other small");
    lines(&lab, "theirs/logs/web.log", 2);
    assert_eq!(process(&lab, "web"), web);
    stop(&lab);
}

/// Promise 2.15. The file is renamed relative to the directory that was checked, not by its path.
#[test]
fn root_rotates_no_log_behind_a_link_of_a_bot() {
    let lab = lab();
    prepare(&lab);
    start(
        &lab,
        &[&talking(
            "web",
            r#"user = "nobody", stdout = { file = "LAB/theirs/logs/web.log", max_size = "200B", keep = 2 }"#,
        )],
    );
    lines(&lab, "theirs/logs/web.log.1", 2);
    // The old file is still open and written: its path is resolved only when it is large.
    as_nobody(&lab, "cd theirs; mv logs old; ln -s ../precious logs");
    let grown = |log: &str| log.len() > 1000;
    lab.wait_for("theirs/old/web.log", EVENT_TIMEOUT, grown);
    let precious = lab.shell("ls -A precious; cat precious/web.log").run().ok().stdout;
    assert_eq!(precious, "web.log\nsecret\n");
    stop(&lab);
}

/// Promise 2.15.
#[test]
fn log_with_second_name_or_other_owner_is_refused() {
    let lab = lab();
    prepare(&lab);
    lab.shell(
        "cd theirs/logs; ln ../../precious/web.log hard.log; echo of another > foreign.log; chown daemon foreign.log
        echo of root > ours.log; echo his > his.log; chown nobody his.log",
    )
    .run()
    .ok();
    let bots = ["hard", "foreign", "ours", "his", "new"].map(|bot| {
        talking(bot, &format!(r#"user = "nobody", stdout = {{ file = "LAB/theirs/logs/{bot}.log", max_size = "0B" }}"#))
    });
    start(&lab, &bots.each_ref().map(String::as_str));
    until_lost(&lab, "hard", "it has more than one name");
    until_lost(&lab, "foreign", "it belongs to user `daemon`");
    assert_eq!(
        (lab.read("precious/web.log"), lab.read("theirs/logs/foreign.log")),
        ("secret\n".into(), "of another\n".into())
    );
    // The user may have renamed a file of root to this name; a file created there belongs to the user.
    until_lost(&lab, "ours", ", but could have been put there by user `nobody`");
    assert_eq!(lab.read("theirs/logs/ours.log"), "of root\n");
    assert_eq!(&*lines(&lab, "theirs/logs/his.log", 2)[0], "his");
    lines(&lab, "theirs/logs/new.log", 2);
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&lab.path("theirs/logs/new.log").metadata().unwrap()), 65534);
    for bot in ["hard", "foreign", "ours"] {
        let said = refused(&lab, &format!("tail -n 5 {bot}"));
        assert!(said.contains("failed to read"), "{said}");
        assert!(["secret", "another", "of root"].iter().all(|text| !said.contains(text)), "{said}");
    }
    stop(&lab);
}

/// Promise 2.15. Clients of the monitor may read the log, so only a regular log file is shown; and a FIFO blocks no
/// request.
#[test]
fn only_a_log_file_is_shown() {
    let cli = CliLab::new(
        r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "echo said; exec sleep 999"]
user = "nobody"
stdout = { file = "LAB/theirs/logs/web.log" }
"#,
    );
    prepare(&cli.lab);
    let monitor = cli.start();
    cli.lab.wait_for("theirs/logs/web.log", EVENT_TIMEOUT, |log| log == "said\n");
    assert_eq!(cli.ok(&["tail", "web"]), "said\n");
    for (script, why) in [
        ("rm web.log; ln -s ../../precious/web.log web.log", "it is a symbolic link"),
        ("rm web.log; mkfifo web.log", "it is not a regular file"),
        ("rm web.log; cd ..; mv logs old; ln -s ../precious logs", "symbolic link"),
    ] {
        as_nobody(&cli.lab, &format!("cd theirs/logs; {script}"));
        let threads = monitor.threads().len();
        for _ in 0..3 {
            let outcome = cli.ctl(&["tail", "web"]).within(Duration::from_secs(10)).run();
            let all = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(outcome.code() != 0 && all.contains(why) && !all.contains("secret"), "{script}: {outcome}");
        }
        assert!(monitor.threads().len() <= threads + 1, "a thread waits for the FIFO");
    }
    cli.shutdown();
}

/// Promise 6.84. A bot's user that rotates the log in a loop, and swaps the files for others while they are searched.
#[test]
fn search_of_hostile_rotated_files_is_bounded_and_shows_no_other() {
    let cli = CliLab::new(
        r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "while :; do printf %030000d 0; echo line; sleep 0.01; done"]
user = "nobody"
stdout = { file = "LAB/theirs/logs/web.log", max_size = "100KB", keep = 4 }

[bot.other]
command = "BOT"
args = ["idle"]
"#,
    );
    prepare(&cli.lab);
    let monitor = cli.start();
    cli.until_is("other", "running");
    cli.lab.wait_for("theirs/logs/web.log", EVENT_TIMEOUT, |log| !log.is_empty());
    let swap = "cd theirs/logs
        while [ ! -e ../stop ]; do
            for what in 'mkfifo web.log.1' 'ln -s ../../precious/web.log web.log.1' 'ln -s /etc/shadow web.log.1' 'mkdir web.log.1' \
                'truncate -s 10G web.log.1' 'ln web.log web.log.1' 'mv web.log web.log.1' 'mv web.log.2 web.log'; do
                rm -rf web.log.1
                $what 2>/dev/null || true
            done
        done";
    let who = ["--reuid=nobody", "--regid=65534", "--clear-groups", "bash", "-euc", swap];
    let swapping = cli.lab.command("setpriv", &who).spawn();
    let memory = || monitor.status("RssAnon").expect("a monitor").trim_end_matches(" kB").parse::<u64>().unwrap();
    let (before, threads) = (memory(), monitor.threads().len());
    let mut answered = 0;
    for _ in 0..40 {
        let begin = Instant::now();
        let search = cli.ctl(&["tail", "-n", "1000", "--grep", "line|secret|root", "web"]).within(EVENT_TIMEOUT).run();
        let all = format!("{}{}", search.stdout, search.stderr);
        assert!(!all.contains("secret") && !all.contains("root:"), "{all}");
        answered += usize::from(search.code() == 0);
        let asked = Instant::now();
        cli.ok(&["status", "other"]);
        assert!(asked.elapsed() < Duration::from_secs(10), "the engine was blocked: {:?}", asked.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    }
    as_nobody(&cli.lab, "touch theirs/stop");
    swapping.finish().ok();
    // The current log was a link at times, which is an error; at others it was not.
    assert!(answered > 0);
    let grown = memory().saturating_sub(before);
    assert!(grown < 64 * 1024 && monitor.threads().len() <= threads + 2, "{grown} KiB, {}", monitor.threads().len());
    cli.shutdown();
}

/// Without a log there are no lines, which is not an error.
#[test]
fn missing_log_has_no_lines() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"], stdout = "LAB/nowhere/web.log" }"#,
            r#"other = { command = "BOT", args = ["idle"], stdout = "LAB/other.log" }"#,
        ],
    );
    assert_eq!((tell(&lab, "tail -n 5 web"), tell(&lab, "tail -n 5 other")), (String::new(), String::new()));
    stop(&lab);
}
