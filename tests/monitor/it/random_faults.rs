//! Random faults, all at once: the promises hold at the end. The seed is printed; `CHAOS_SEED` repeats it.

use std::time::{Duration, Instant, SystemTime};

use crate::common::{BOT, EVENT_TIMEOUT, lab, leave_descriptors, nothing_left, size, write_bots};
use look::{Lab, Outcome, Process, Running};
use nix::sys::signal::Signal;

const BOTS: [&str; 6] = [
    r#"a = { command = "BOT", args = ["lines:1000000000000"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, stdout = { file = "LAB/small/a.log", max_size = "20000B", keep = 1 } }"#,
    r#"b = { command = "BOT", args = ["escape:idle,mark-b", "spawn:idle", "idle"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, depends_on = ["a"] }"#,
    r#"c = { command = "BOT", args = ["ignore:TERM", "escape:ignore:TERM,idle", "event:x:1000", "idle", "mark-c"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, stop = { signal = "TERM", timeout = "100ms" } }"#,
    r#"d = { command = "BOT", args = ["sleep:20", "exit:1"], limit = { exits = 1000, window = "1s" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#,
    r#"e = { command = "BOT", args = ["storm_of_children:5", "exit:0"], ready = "exit", limit = { exits = 1000, window = "1s" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#,
    r#"f = { command = "/bin/sh", args = ["-c", "trap '' TERM; while :; do sleep 0.05; echo x; done"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, stop = { signal = "TERM", timeout = "100ms" } }"#,
];

/// Random numbers (xorshift), repeated by a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn seed() -> u64 {
    let given = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    given.unwrap_or_else(|| now.as_secs() << 20 | u64::from(now.subsec_micros())).max(1)
}

/// Returns the processes of the lab that are bots or their descendants: never the monitor, nor a process that the test
/// itself runs.
fn bots(lab: &Lab) -> Vec<Process> {
    let marked = |process: &Process| process.environment().iter().any(|line| line.starts_with("DAEMON_BOT="));
    lab.processes().into_iter().filter(marked).collect()
}

/// A disk of 640 KiB for the log of one bot, the pidfile, the journal and the monitor's own log; other programs do not
/// see it. It has room for two logs whose rotation failed.
struct Disk<'lab> {
    lab: &'lab Lab,
    holder: Running<'lab>,
    is_full: bool,
}

impl<'lab> Disk<'lab> {
    fn new(lab: &'lab Lab) -> Disk<'lab> {
        let mount =
            "mkdir small && mount -t tmpfs -o mode=755,size=640k none small && touch mounted && exec sleep 1000";
        let holder = lab.command("unshare", &["--mount", "bash", "-c", mount]).within(EVENT_TIMEOUT * 50).spawn();
        lab.wait_for("mounted", EVENT_TIMEOUT, |_| true);
        Disk { lab, holder, is_full: false }
    }

    /// Returns the path of a file on it, as seen from outside.
    fn path(&self, name: &str) -> String {
        format!("/proc/{}/root{}/{name}", self.holder.process().id(), self.lab.path("small").display())
    }

    /// Runs `daemonctl` in the mount namespace of the disk.
    fn run(&self, verb: &str) -> Outcome {
        let holder = self.holder.process().id().to_string();
        let script = format!("cd {} && $D -c m.toml {verb}", self.lab.directory().display());
        let run = self.lab.command("nsenter", &["--mount", "--target", &holder, "bash", "-c", &script]);
        run.env("D", self.lab.program()).within(EVENT_TIMEOUT * 4).run()
    }

    fn fill(&mut self) {
        // Writes until the disk is full: the error is intended.
        let _ = std::fs::write(self.path("fill"), vec![0; 1 << 20]);
        self.is_full = true;
    }

    fn free(&mut self) {
        let _ = std::fs::remove_file(self.path("fill"));
        if let Ok(log) = std::fs::File::options().write(true).open(self.path("m.log")) {
            log.set_len(0).unwrap();
        }
        self.is_full = false;
    }

    /// Starts the monitor; on a full disk it may fail, and succeeds once there is room.
    fn start(&mut self) -> Process {
        let mut started = self.run("start");
        if self.is_full && started.code() != 0 {
            assert!(started.stderr.contains("no space left on device"), "{started}");
            self.free();
            started = self.run("start");
            assert_eq!(started.code(), 0, "{started}\n{}", self.run("; ls -l small 1>&2; df small"));
        }
        started.ok();
        self.lab.daemon(&self.path("m.pid"))
    }
}

/// Writes the configuration; the monitor's files are on the disk.
fn write_chaos(lab: &Lab, bots: &[&str]) {
    write_bots(lab, bots);
    lab.write("m.toml", lab.read("m.toml").replace("\"m.", "\"small/m."));
}

fn disturb(lab: &Lab, chance: &mut Chance, monitor: &mut Process, disk: &mut Disk<'_>) {
    let name = ["a", "b", "c", "d", "e", "f"][chance.below(6)];
    let tell = |disk: &Disk<'_>, line: &str| drop(disk.run(line));
    match chance.below(12) {
        0 => {
            monitor.signal(Signal::SIGKILL);
            monitor.died(EVENT_TIMEOUT).expect("a killed monitor dies");
            *monitor = disk.start();
        }
        1..=3 => {
            let all = bots(lab);
            if !all.is_empty() {
                all[chance.below(all.len())]
                    .signal([Signal::SIGKILL, Signal::SIGSTOP, Signal::SIGTERM][chance.below(3)]);
            }
        }
        4 => tell(disk, &format!("stop --wait=2s {name}")),
        5 => tell(disk, &format!("start --wait=0s {name}")),
        6 => tell(disk, &format!("restart --wait=0s {name}")),
        7 => {
            let wanted: Vec<&str> =
                BOTS.iter().copied().filter(|bot| !bot.starts_with('d') || chance.below(2) == 0).collect();
            write_chaos(lab, &wanted);
            tell(disk, "reload");
        }
        8 => monitor.signal(Signal::SIGHUP),
        9 if disk.is_full => disk.free(),
        9 | 10 => disk.fill(),
        _ => {
            leave_descriptors(*monitor, 2);
            tell(disk, &format!("restart --wait=0s {name}"));
            leave_descriptors(*monitor, 1000);
        }
    }
}

/// Promise 6.04.
#[test]
fn random_faults_leave_one_of_each_bot_and_then_nothing() {
    let seed = seed();
    println!("CHAOS_SEED={seed}");
    let mut chance = Chance(seed);
    let lab = lab();
    let mut disk = Disk::new(&lab);
    write_chaos(&lab, &BOTS);
    let mut monitor = disk.start();
    let (begin, time) = (Instant::now(), Duration::from_secs(u64::try_from(size(5, 120)).unwrap()));
    while begin.elapsed() < time {
        disturb(&lab, &mut chance, &mut monitor, &mut disk);
        assert!(monitor.alive(), "the monitor has died by itself; CHAOS_SEED={seed}");
    }
    // Every bot is wanted again, and one of each runs.
    write_chaos(&lab, &BOTS);
    disk.run("reload").ok();
    for name in ["a", "b", "c", "f"] {
        let restarted = disk.run(&format!("restart --wait=20s {name}"));
        assert_eq!(restarted.code(), 0, "{name}: {restarted}; CHAOS_SEED={seed}");
    }
    for (name, argument) in [("a", "lines:1000000000000"), ("c", "mark-c")] {
        let is_one = |process: &&Process| {
            let arguments = process.arguments();
            arguments.first().is_some_and(|first| first == BOT) && arguments.iter().any(|other| other == argument)
        };
        let copies: Vec<Process> = bots(&lab).iter().filter(is_one).copied().collect();
        assert_eq!(copies.len(), 1, "copies of {name}: {copies:?}; CHAOS_SEED={seed}");
    }
    // The monitor stops in order even on a full disk.
    disk.fill();
    let stopped = disk.run("shutdown").ok();
    assert_eq!(stopped.stdout, "the monitor has stopped\n", "{stopped}; CHAOS_SEED={seed}");
    disk.holder.signal(Signal::SIGKILL);
    disk.holder.finish();
    nothing_left(&lab);
}
