//! The monitor that a configuration file belongs to, whatever is edited while it runs.

use nix::sys::signal::Signal;

use crate::cli_lab::CliLab;

const ONE: &str = "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n";

/// Returns a `daemonctl` lab whose file names neither the monitor nor its pidfile.
fn nameless() -> CliLab {
    let cli = CliLab::new(ONE);
    cli.lab.shell("sed -i '/^name/d; /^pidfile/d' m.toml").run().ok();
    cli
}

/// Returns the pid of the monitor that answers for the file of the lab.
fn monitor(cli: &CliLab) -> i64 {
    let (status, code) = cli.json(&["status"]);
    assert_eq!(code, 0, "{status}");
    status["monitor"]["pid"].as_i64().expect("a pid")
}

/// Promise 6.47.
#[test]
fn unnamed_files_in_two_directories_are_two_monitors() {
    let (one, other) = (nameless(), nameless());
    for cli in [&one, &other] {
        cli.ctl(&["start", "--wait"]).run().ok().says(&["the monitor was not running: started it as pid"]);
    }
    assert_ne!(monitor(&one), monitor(&other));
    one.ok(&["shutdown"]);
    other.ctl(&["status"]).run().ok().prints(&["1 of 1 bot up"]);
    other.ok(&["shutdown"]);
}

/// Promise 6.47.
#[test]
fn monitor_of_another_file_is_not_commanded_and_both_are_named() {
    let cli = CliLab::new(ONE);
    cli.start();
    let pid = cli.pid("web");
    cli.lab.write("other.toml", cli.lab.read("m.toml").replace("web", "db"));
    let [file, other] = ["m.toml", "other.toml"].map(|name| format!("`{}`", cli.lab.path(name).display()));
    for command in [&["status"][..], &["start"], &["stop", "--all"], &["reload"], &["shutdown"], &["run"]] {
        let refused = cli.lab.helper(&["-c", "other.toml"]).args(command).run().exits(6);
        refused.says(&[&format!("failed to reach the monitor of {other}"), &format!("runs with {file}")]);
    }
    assert_eq!(cli.pid("web"), pid);
    // Another path to a file means the same file.
    cli.lab.shell("ln -s m.toml link.toml").run().ok();
    cli.lab.helper(&["-c", "link.toml", "status"]).run().ok();
    cli.shutdown();
}

/// Promise 6.48.
#[test]
fn edited_name_and_pidfile_keep_the_running_monitor() {
    let cli = CliLab::new(ONE);
    let before = cli.start().id();
    let text = cli.lab.read("m.toml").replace("name = \"lab\"", "name = \"edited\"").replace("m.pid", "edited.pid");
    cli.lab.write("m.toml", text);
    let moved = "shut it down and start it again to move it";
    assert_eq!(monitor(&cli), i64::from(before));
    cli.ctl(&["start"]).run().ok().says(&[moved]);
    cli.ctl(&["run"]).run().exits(1).says(&["one runs with this configuration already", "m.pid`"]);
    let reload = cli.ctl(&["reload"]).run().ok().says(&[moved]);
    assert!(reload.stdout.contains("name, pidfile will change when it is shut down and started again"), "{reload}");
    assert!(!cli.lab.path("edited.pid").exists());
    cli.ctl(&["shutdown"]).run().ok().prints(&["the monitor has stopped"]);
    cli.ctl(&["start"]).run().ok().says(&["the monitor was not running"]);
    assert!(cli.lab.path("edited.pid").exists() && !cli.lab.path("m.pid").exists());
    // The record of a killed monitor is not used any more.
    cli.lab.daemon("edited.pid").signal(Signal::SIGKILL);
    cli.lab.quiet(crate::common::EVENT_TIMEOUT).expect("its bots end");
    let text = cli.lab.read("m.toml").replace("edited.pid", "m.pid");
    cli.lab.write("m.toml", text);
    cli.start();
    cli.shutdown();
}

/// Promise 6.48.
#[test]
fn monitor_of_a_removed_file_is_found_by_its_pidfile() {
    let cli = CliLab::new(ONE);
    cli.start();
    cli.lab.shell("rm m.toml").run().ok();
    cli.ctl(&["status"]).run().exits(1).says(&["no such file", "command it with `--pidfile ", "m.pid`"]);
    cli.lab.helper(&["--pidfile", "m.pid", "status", "web"]).run().ok();
    cli.lab.helper(&["start", "--pidfile", "m.pid", "web"]).run().ok();
    cli.lab.helper(&["run", "--pidfile", "m.pid"]).run().exits(2).says(&["name its configuration"]);
    cli.lab.helper(&["shutdown", "--pidfile", "m.pid"]).run().ok().prints(&["the monitor has stopped"]);
    cli.lab.quiet(crate::common::EVENT_TIMEOUT).expect("nothing is left");
    cli.lab.helper(&["shutdown", "--pidfile", "m.pid"]).run().ok().prints(&["the monitor is not running"]);
}

/// Promise 6.48. Version 0.1 called every monitor `monitor`, and left no record.
#[test]
fn monitor_of_version_0_1_is_found_by_its_name() {
    let cli = nameless();
    let script = "set -e; mount -t tmpfs none /run; sed 's/^.monitor.$/[monitor]\\nname = \"monitor\"/' m.toml > named.toml; \
                  mv m.toml plain.toml; mv named.toml m.toml; \"$D\" -c m.toml start; test -e /run/monitor.pid; \
                  rm -r /run/daemonctl.monitors; mv plain.toml m.toml; \"$D\" -c m.toml status; \"$D\" -c m.toml start; \
                  if \"$D\" -c m.toml run; then exit 9; fi; \"$D\" -c m.toml shutdown; \"$D\" -c m.toml start; \
                  ls /run; \"$D\" -c m.toml shutdown; ls -A /run/daemonctl.monitors | wc -l";
    let outcome = cli.lab.command("unshare", &["-m", "bash", "-c", script]).env("D", cli.lab.program()).run().ok();
    assert!(outcome.stdout.contains("monitor: pid ") && outcome.stdout.contains("1 of 1 bot up"), "{outcome}");
    assert!(outcome.stderr.contains("one runs with this configuration already"), "{outcome}");
    assert!(outcome.stdout.contains(".m-") && outcome.stdout.ends_with("\n0\n"), "{outcome}");
}

/// Promise 6.48.
#[test]
fn record_of_a_killed_monitor_does_not_block_another_pidfile() {
    let cli = CliLab::new(ONE);
    cli.start().signal(Signal::SIGKILL);
    cli.lab.quiet(crate::common::EVENT_TIMEOUT).expect("its bots end");
    cli.lab.write("other.toml", cli.lab.read("m.toml"));
    cli.lab.helper(&["-c", "other.toml", "start"]).run().ok();
    cli.lab.write("m.toml", cli.lab.read("m.toml").replace("m.pid", "moved.pid"));
    cli.ctl(&["start"]).run().ok().says(&["the monitor was not running"]);
    cli.ctl(&["shutdown"]).run().ok();
    cli.lab.helper(&["-c", "other.toml", "status"]).run().ok();
    cli.lab.helper(&["-c", "other.toml", "shutdown"]).run().ok();
}

/// Promise 6.47.
#[test]
fn concurrent_start_with_the_same_pidfile_is_refused() {
    let cli = CliLab::new(ONE);
    cli.lab.write("other.toml", cli.lab.read("m.toml"));
    for _ in 0..4 {
        let other = cli.lab.helper(&["-c", "other.toml", "start"]).spawn();
        let (this, other) = (cli.ctl(&["start"]).run(), other.finish());
        let codes = [this.code(), other.code()];
        assert!(codes.contains(&0) && codes.contains(&6), "{this}\n{other}");
        cli.lab.helper(&["--pidfile", "m.pid", "shutdown"]).run().ok();
    }
}

/// Promise 6.47.
#[test]
fn monitor_of_a_file_whose_path_is_not_utf8_is_found() {
    let cli = CliLab::new(ONE);
    let script = r#"set -e; d=$(printf 'n\377'); mkdir "$d"; mv m.toml "$d"; "$D" -c "$d/m.toml" start; "$D" -c "$d/m.toml" stop web;
                    "$D" -c "$d/m.toml" shutdown"#;
    let outcome = cli.lab.shell(script).env("D", cli.lab.program()).run().ok();
    outcome.prints(&["web: stopped", "the monitor has stopped"]);
}

/// Promise 6.48.
#[test]
fn record_is_removed_although_its_link_was_changed() {
    let cli = CliLab::new(ONE);
    let records = "grep -ls \"$PWD/\" /run/daemonctl.monitors/* || true";
    cli.lab.shell("mkdir real other && mv m.toml real && cp real/m.toml other && ln -s real now").run().ok();
    cli.lab.helper(&["-c", "now/m.toml", "start"]).run().ok();
    assert_eq!(cli.lab.shell(records).run().ok().stdout.lines().count(), 2);
    cli.lab.shell("ln -sfn other now").run().ok();
    cli.lab.helper(&["-c", "now/m.toml", "shutdown"]).run().ok();
    assert_eq!(cli.lab.shell(records).run().ok().stdout, "");
}
