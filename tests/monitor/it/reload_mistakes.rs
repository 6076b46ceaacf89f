//! Reloads of a file that is broken, cannot be read, or changes while it is read.

use crate::common::{PIDFILE, foreground_again, lab, process, start_again, stop, tell, wait_for};
use nix::sys::signal::Signal;

/// Makes the monitor reload a broken file, which it must refuse; returns its message.
#[track_caller]
fn refused_by_pidfile(lab: &look::Lab) -> String {
    let outcome = lab.run(&["--pidfile", PIDFILE, "reload"]).exits(1);
    outcome.stderr
}

/// Promise 6.05. The monitor itself reads the file; the mistakes are reported, and nothing changes.
#[test]
fn broken_file_changes_nothing_and_is_located() {
    let lab = lab();
    let good = format!(
        "[monitor]\nname = \"lab\"\npidfile = \"m.pid\"\n[bot.web]\ncommand = \"{}\"\nargs = [\"idle\"]\n",
        crate::common::BOT
    );
    lab.write("m.toml", &good);
    start_again(&lab);
    wait_for(&lab, "web", "running");
    let before = process(&lab, "web");
    let broken: [(&str, Vec<u8>); 6] = [
        ("truncated", good.as_bytes()[..good.len() - 4].to_vec()),
        ("not UTF-8", [good.as_bytes(), b"# \xff\n"].concat()),
        ("an unknown key", format!("{good}comand = \"x\"\n").into_bytes()),
        ("a name twice", [good.as_bytes(), b"\n", &good.as_bytes()[good.find("[bot").unwrap()..]].concat()),
        ("a cycle", format!("{good}depends_on = [\"web\"]\n").into_bytes()),
        ("nothing to read", Vec::new()),
    ];
    for (what, text) in broken {
        if text.is_empty() {
            std::fs::remove_file(lab.path("m.toml")).unwrap();
        } else {
            lab.write("m.toml", text);
        }
        let told = refused_by_pidfile(&lab);
        assert!(told.contains("failed to reload") && told.contains("m.toml"), "{what}: {told}");
        assert_eq!(process(&lab, "web"), before, "{what}");
    }
    for (what, make, why) in [
        ("a directory", "mkdir m.toml", "it is a directory"),
        ("a FIFO", "mkfifo m.toml", "it is not a regular file"),
        ("a device", "mknod m.toml c 1 5", "it is not a regular file"),
        ("1 GiB", "truncate -s 1G m.toml", "larger than 1 MiB"),
        ("a link in a circle", "ln -s m.toml m.toml", "symbolic links"),
    ] {
        lab.shell(&format!("rm -rf m.toml; {make}")).run().ok();
        let told = refused_by_pidfile(&lab);
        assert!(told.contains("m.toml") && told.contains(why), "{what}: {told}");
        assert_eq!(process(&lab, "web"), before, "{what}");
    }
    lab.shell("rm -rf m.toml").run().ok();
    lab.write("m.toml", good.replace("idle", "sleep:1\", \"idle"));
    assert!(tell(&lab, "reload").contains("~ web: restarted (args)"));
    stop(&lab);
}

/// Promise 6.05. The file is unreadable for every user but root.
#[test]
fn unreadable_file_changes_nothing() {
    let mut lab = lab();
    lab.bring_program();
    lab.shell(&format!("install -m 755 {} bot", crate::common::BOT)).run().ok();
    let bot = lab.path("bot");
    let text = format!(
        "[monitor]\nname = \"lab\"\npidfile = \"m.pid\"\n[bot.web]\ncommand = \"{}\"\nargs = [\"idle\"]\n",
        bot.display()
    );
    lab.write("m.toml", text);
    lab.shell("chown 64321 . m.toml").run().ok();
    let script = "exec setpriv --reuid=64321 --regid=64321 --clear-groups $D -c m.toml run";
    let running = foreground_again(&lab, script);
    wait_for(&lab, "web", "running");
    let before = process(&lab, "web");
    lab.shell("chmod 000 m.toml").run().ok();
    assert!(refused_by_pidfile(&lab).contains("permission denied"));
    assert_eq!(process(&lab, "web"), before);
    lab.shell("chmod 600 m.toml").run().ok();
    lab.run(&["--pidfile", PIDFILE, "reload"]).ok();
    running.signal(Signal::SIGTERM);
    running.finish().ok();
}

/// Promise 6.05. The second check of the file, after it was read, is delayed until the file has been written.
#[test]
fn file_written_while_it_is_read_changes_nothing() {
    let lab = lab();
    let good = format!(
        "[monitor]\nname = \"lab\"\npidfile = \"m.pid\"\n[bot.web]\ncommand = \"{}\"\nargs = [\"idle\"]\n",
        crate::common::BOT
    );
    lab.write("m.toml", &good);
    let script = "exec strace -f -qq -o trace -e trace=read,fstat,newfstatat -P $PWD/m.toml \
        -e inject=fstat,newfstatat:delay_enter=3000000:when=2 $D -c m.toml run";
    let running = foreground_again(&lab, script);
    wait_for(&lab, "web", "running");
    let before = process(&lab, "web");
    let is_read = |trace: &str| trace.lines().filter(|line| line.contains("read(") && line.ends_with("= 0")).count();
    let reads = is_read(&lab.read("trace"));
    let reload = lab.helper(&["-c", "m.toml", "reload"]).spawn();
    lab.wait_for("trace", crate::common::EVENT_TIMEOUT, |trace| is_read(trace) > reads);
    lab.write("m.toml", good.replace("idle", "sleep:1\", \"idle"));
    let told = reload.finish().exits(1).stderr;
    assert!(told.contains("it was written while it was read"), "{told}");
    assert_eq!(process(&lab, "web"), before);
    tell(&lab, "shutdown --wait=0s");
    running.finish().ok();
}
