//! Logs in directories of the bot's own user, who may put there what he likes: root writes and shows nothing else for him.

use std::time::{Duration, Instant};

use crate::cli_lab::CliLab;
use crate::common::{SOON, lab, lines, number, process, refused, start, status, stop, tell};
use look::Lab;

fn needs_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
}

/// A lab with `theirs/logs`, of user `nobody`, and `precious/web.log`, which only root may read.
fn prepare(lab: &Lab) {
    needs_root();
    lab.shell(
        "mkdir -p theirs/logs precious && chmod 700 precious && echo secret > precious/web.log
        chown -R nobody theirs",
    )
    .run()
    .ok();
}

/// Does something as `nobody`.
fn as_nobody(lab: &Lab, script: &str) {
    let who = ["--reuid=nobody", "--regid=65534", "--clear-groups", "bash", "-euc", script];
    lab.command("setpriv", &who).run().ok();
}

/// A bot, with this name and these settings, that says a line now and then.
fn talking(name: &str, settings: &str) -> String {
    format!(r#"{name} = {{ command = "/bin/sh", args = ["-c", "while sleep 0.05; do echo line; done"], {settings} }}"#)
}

/// Waits until what is told of the bot has this in it, and something was lost.
fn until_lost(lab: &Lab, bot: &str, text: &str) {
    let begin = Instant::now();
    loop {
        let told = status(lab, bot);
        if number(&told, "dropped") > 0 && told.contains(text) {
            return;
        }
        assert!(begin.elapsed() < SOON, "{told}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn p2_15_root_writes_no_log_behind_a_link_that_a_bot_made() {
    let lab = lab();
    prepare(&lab);
    start(
        &lab,
        &[
            &talking("web", r#"user = "nobody", stdout = { file = "LAB/theirs/logs/web.log", max_size = "0B" }"#),
            // This one is put aside every second or so.
            &talking(
                "small",
                r#"user = "nobody", stdout = { file = "LAB/theirs/small/web.log", max_size = "100B", keep = 2 }"#,
            ),
            // Nobody's directory is no place for a log of root.
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
        assert!(begin.elapsed() < SOON, "{}", status(&lab, "web"));
    }
    let precious = lab.shell("ls -A precious; cat precious/web.log").run().ok().stdout;
    assert_eq!(precious, "web.log\nsecret\n");

    as_nobody(&lab, "cd theirs; rm logs small; mv old logs; mv other small");
    lines(&lab, "theirs/logs/web.log", 2);
    assert_eq!(process(&lab, "web"), web);
    stop(&lab);
}

/// The file is put aside relative to the directory that was judged, not by its path.
#[test]
fn p2_15_root_puts_no_log_aside_behind_a_link_that_a_bot_made() {
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
    // Open as it is, the old file is still written: only when it is large is its name looked for.
    as_nobody(&lab, "cd theirs; mv logs old; ln -s ../precious logs");
    let grown = |log: &str| log.len() > 1000;
    lab.wait_for("theirs/old/web.log", SOON, grown);
    let precious = lab.shell("ls -A precious; cat precious/web.log").run().ok().stdout;
    assert_eq!(precious, "web.log\nsecret\n");
    stop(&lab);
}

#[test]
fn p2_15_a_log_has_one_name_and_is_the_users_or_roots() {
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
    // The user may have given one of root's this name; one that is made there is the user's.
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

/// What root can read is shown to whoever may ask the monitor; and a FIFO keeps nobody.
#[test]
fn p2_15_only_a_log_is_shown_as_a_log() {
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
    cli.lab.wait_for("theirs/logs/web.log", SOON, |log| log == "said\n");
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

/// Without a log there are no lines, and that is no mistake.
#[test]
fn a_log_that_is_not_there_has_no_lines() {
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
