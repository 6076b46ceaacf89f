//! A log on a mount that accepts writes, but not closes: a process that closes a copy of its descriptor hangs.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::common::{EVENT_TIMEOUT, PIDFILE, begin, lab, lines, process, stop, tell, wait_for, write_bots};
use crate::hung_mount::HungFile;
use crate::hung_processes::{install_bot, pending_children, wait_for_pending};
use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;

/// The number of bots, so that the monitor has more descriptors than a child needs to copy.
const MANY: usize = 40;

/// The hanging processes, and their monitor.
struct Scene<'lab> {
    mount: HungFile<'lab>,
    program: HungFile<'lab>,
    monitor: Process,
}

/// Four starts hang on their program; then another bot is started, whose child would copy all descriptors of the
/// monitor, and close them.
fn a_close_hangs(lab: &Lab) -> Scene<'_> {
    let mount = HungFile::stuck(lab, "mount");
    install_bot(lab, "slow");
    let many = format!(
        r#"many = {{ command = "/bin/sleep", args = ["999"], instances = {MANY}, autostart = false, restart = "never" }}"#
    );
    let slow = r#"slow = { command = "LAB/slow", args = ["idle"], instances = 4, autostart = false }"#;
    let late = r#"late = { command = "BOT", args = ["stamp:LAB/starts", "idle"], limit = { exits = 9, window = "1s" }, backoff = { first = "1s", cap = "1s", jitter = 0.0 } }"#;
    write_bots(
        lab,
        &[
            r#"logger = { command = "BOT", args = ["print:hello", "idle"], stdout = "LAB/mount/log" }"#,
            &many,
            slow,
            late,
        ],
    );
    mount.shell(lab, "exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE);
    // The bot has written to the log (request number 16).
    lab.wait_for("asked", EVENT_TIMEOUT, |text| text.lines().any(|line| line.starts_with("16 ")));
    tell(lab, "start --wait=20s many");
    let program = HungFile::file(lab, "slow");
    lab.write("stuck", monitor.id().to_string());
    begin(lab, "start slow");
    wait_for_pending(monitor, 4);
    // The bot starts while no request is pending: a copy of a connection could stay open. Whether it runs or hangs
    // depends on what else it has copied.
    lines(lab, "starts", 1);
    let before = process(lab, "late");
    before.signal(Signal::SIGKILL);
    before.died(EVENT_TIMEOUT).unwrap();
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while pending_children(monitor).len() < 5 && lab.read("starts").lines().count() < 2 {
        assert!(!deadline.passed(), "{}", lab.read("m.log"));
    }
    Scene { mount, program, monitor }
}

/// Returns the CPU time of a process, in hundredths of a second.
fn ticks(process: Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

/// Promise 6.04. A child that cannot be killed holds no descriptor that blocks others.
#[test]
fn hung_child_does_not_block_the_next_monitor() {
    let lab = lab();
    let scene = a_close_hangs(&lab);
    let mut bots: Vec<Process> = (1..=MANY).map(|number| process(&lab, &format!("many:{number}"))).collect();
    bots.push(process(&lab, "logger"));
    scene.monitor.signal(Signal::SIGKILL);
    let ids: Vec<i32> = bots.iter().map(|bot| bot.id()).collect();
    if look::deaths(&ids, Deadline::after(EVENT_TIMEOUT)).is_err() {
        let left: Vec<_> = bots.iter().filter(|bot| bot.alive()).collect();
        panic!("{} of them are left: {left:?}; the monitor {:?}", left.len(), scene.monitor.stat());
    }
    write_bots(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    scene.mount.shell(&lab, "exec $D -c m.toml start").run().ok();
    assert_ne!(lab.daemon(PIDFILE), scene.monitor);
    wait_for(&lab, "web", "running");
    scene.program.release();
    scene.mount.release();
    stop(&lab);
}

/// Promise 6.02. The child has copies of pipes whose ends the monitor has closed: it receives no more events of them.
#[test]
fn hung_child_uses_no_cpu_when_others_die() {
    let lab = lab();
    let scene = a_close_hangs(&lab);
    for number in [3, 8, 15, 22, MANY] {
        let bot = format!("many:{number}");
        process(&lab, &bot).signal(Signal::SIGKILL);
        wait_for(&lab, &bot, "failed");
    }
    let before = ticks(scene.monitor);
    sleep(Duration::from_secs(2));
    let took = ticks(scene.monitor) - before;
    // A busy loop would use most of two hundred.
    assert!(took < 20, "{took} hundredths of two seconds");
    scene.program.release();
    scene.mount.release();
    stop(&lab);
}
