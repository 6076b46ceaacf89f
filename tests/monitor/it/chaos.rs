//! Everything at once, by chance: what was promised holds at the end. The seed is printed; `CHAOS_SEED` repeats it.

use std::time::{Duration, Instant, SystemTime};

use crate::common::{BOT, SOON, lab, nothing_left, size, start, start_again, write_bots};
use look::{Lab, Process};
use nix::sys::signal::Signal;

const BOTS: [&str; 6] = [
    "a limit=100000/1000 backoff=0 log=LAB/a.log,20000,1 : BOT flood",
    "b limit=100000/1000 backoff=0 depends=a : BOT escape:idle,mark-b spawn:idle idle",
    "c limit=100000/1000 backoff=0 stop=TERM:100 : BOT ignore:TERM escape:ignore:TERM,idle event:x:1000 idle mark-c",
    "d limit=100000/1000 backoff=1 : BOT sleep:20 exit:1",
    "e ready=exit limit=100000/1000 backoff=1 : BOT storm:5 exit:0",
    "f limit=100000/1000 backoff=0 stop=TERM:100 : sh trap '' TERM; while :; do sleep 0.05; echo x; done",
];

/// Numbers by chance (xorshift), which a seed repeats.
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

/// Those of the lab that are bots or what bots have started: never the monitor, nor what the test itself runs.
fn bots(lab: &Lab) -> Vec<Process> {
    let marked = |process: &Process| process.environment().iter().any(|line| line.starts_with("DAEMON_BOT="));
    lab.processes().into_iter().filter(marked).collect()
}

fn disturb(lab: &Lab, chance: &mut Chance, monitor: &mut Process) {
    let name = ["a", "b", "c", "d", "e", "f"][chance.below(6)];
    let tell = |line: &str| drop(lab.run(&["tell", line]));
    match chance.below(10) {
        0 => {
            monitor.signal(Signal::SIGKILL);
            monitor.died(SOON).expect("a killed monitor dies");
            *monitor = start_again(lab, &[]);
        }
        1..=3 => {
            let all = bots(lab);
            if !all.is_empty() {
                all[chance.below(all.len())]
                    .signal([Signal::SIGKILL, Signal::SIGSTOP, Signal::SIGTERM][chance.below(3)]);
            }
        }
        4 => tell(&format!("stop {name} 2000")),
        5 => tell(&format!("start {name}")),
        6 => tell(&format!("restart {name}")),
        7 => {
            let wanted: Vec<&str> =
                BOTS.iter().copied().filter(|bot| !bot.starts_with('d') || chance.below(2) == 0).collect();
            write_bots(lab, &wanted);
            tell("reload");
        }
        8 => monitor.signal(Signal::SIGHUP),
        _ => {
            tell("exhaust");
            tell(&format!("restart {name}"));
            tell("relieve");
        }
    }
}

#[test]
fn p6_04_chaos_ends_with_one_of_each_and_then_with_nothing() {
    let seed = seed();
    println!("CHAOS_SEED={seed}");
    let mut chance = Chance(seed);
    let lab = lab();
    let mut monitor = start(&lab, &BOTS);
    let (begin, time) = (Instant::now(), Duration::from_secs(u64::try_from(size(5, 120)).unwrap()));
    while begin.elapsed() < time {
        disturb(&lab, &mut chance, &mut monitor);
        assert!(monitor.alive(), "the monitor has died by itself; CHAOS_SEED={seed}");
    }
    // Everybody is wanted again, and there is one of each.
    write_bots(&lab, &BOTS);
    lab.run(&["tell", "relieve"]).ok();
    lab.run(&["tell", "reload"]).ok();
    for name in ["a", "b", "c", "f"] {
        let restarted = lab.run(&["tell", &format!("restart {name} 20000")]);
        assert_eq!(restarted.code(), 0, "{name}: {restarted}; CHAOS_SEED={seed}");
    }
    for (name, argument) in [("a", "flood"), ("c", "mark-c")] {
        let is_one = |process: &&Process| {
            let arguments = process.arguments();
            arguments.first().is_some_and(|first| first == BOT) && arguments.iter().any(|other| other == argument)
        };
        let copies: Vec<Process> = bots(&lab).iter().filter(is_one).copied().collect();
        assert_eq!(copies.len(), 1, "copies of {name}: {copies:?}; CHAOS_SEED={seed}");
    }
    let stopped = lab.run(&["stop"]).ok();
    assert!(stopped.stdout.starts_with("stopped"), "{stopped}; CHAOS_SEED={seed}");
    nothing_left(&lab);
}
