//! The part `stop`: from the request until the process that asked knows that the daemon has ended.

use std::path::PathBuf;

use crate::bench::{Bench, Part};
use crate::cases::{Case, measure};
use crate::children::Program;
use crate::programs::Profile::Release;
use crate::starts::{Clock, Target, stop};

pub(crate) const PART: Part = Part { name: "stop", title: "Stop", run: measure_all };

const ROUNDS: usize = 300;

const LIMIT: &str = "**the limit**: a pidfd in C; our binary, with TERM's default action";
const WHOLE_LIMIT: &str = "**the limit**: a program in C; our binary, with TERM's default action";

/// The daemons that are stopped, and the programs that stop them.
struct Programs {
    pidfile: PathBuf,
    c: PathBuf,
    c_daemon: PathBuf,
    ours: PathBuf,
    python: PathBuf,
    python_script: PathBuf,
}

fn measure_all(bench: &mut Bench) -> Result<(), String> {
    let programs = Programs {
        pidfile: bench.work_dir.join("stop.pid"),
        c: bench.programs.c("stop", &[])?,
        c_daemon: bench.programs.c("limit", &[])?,
        ours: bench.programs.rust("ours", "stopped", Release)?,
        python: bench.programs.python()?,
        python_script: bench.programs.script("daemons_daemon"),
    };
    bench.say("In the process that stops, from the known pid or the call on until the end of the daemon is known.\n");
    measure(bench, ROUNDS, ["ms", "× limit"], &programs.calls(), &[])?;
    bench.say("The program that stops, from its exec to its exit.\n");
    measure(bench, ROUNDS, ["ms", "× limit"], &programs.whole(), &[])
}

impl Programs {
    /// Returns the cases of stops from a running process.
    fn calls(&self) -> Vec<Case<'static>> {
        let case = |name, target, stopper| stop(name, target, stopper, Clock::Printed);
        vec![
            case(LIMIT, self.ours("start-plain"), self.by(&self.c, "time")),
            case("**ours**, a default daemon", self.ours("start"), self.by(&self.ours, "time")).wanted(1.5),
            case("ours, with TERM's default action", self.ours("start-plain"), self.by(&self.ours, "time")),
            case("a pidfd in C; our default daemon", self.ours("start"), self.by(&self.c, "time")),
            case("a pidfd in C; the daemon of the start's limit", self.c_daemon(), self.by(&self.c, "time")),
            case("kill, then kill 0 every 10 ms; the same", self.c_daemon(), self.by(&self.c, "poll")),
        ]
    }

    /// Returns the cases of programs that stop a daemon.
    fn whole(&self) -> Vec<Case<'static>> {
        let case = |name, target, stopper| stop(name, target, stopper, Clock::Outside);
        let start_stop_daemon = |options: &[&str]| {
            let program = Program::new("/usr/sbin/start-stop-daemon").args(["--stop", "--quiet"]);
            program.args(options).arg("--pidfile").arg(&self.pidfile)
        };
        vec![
            case(WHOLE_LIMIT, self.ours("start-plain"), self.by(&self.c, "stop")),
            case("**ours**, a default daemon", self.ours("start"), self.by(&self.ours, "stop")),
            case("start-stop-daemon, without confirmation", self.c_daemon(), start_stop_daemon(&[])),
            case("start-stop-daemon --retry 5", self.c_daemon(), start_stop_daemon(&["--retry", "5"])),
            case("Python `daemons`, its own daemon", self.python("start"), self.python("stop").launcher).seldom(),
        ]
    }

    /// Returns our daemon, started by this verb.
    fn ours(&self, verb: &str) -> Target {
        self.target(self.by(&self.ours, verb))
    }

    fn c_daemon(&self) -> Target {
        self.target(Program::new(&self.c_daemon).arg(&self.pidfile))
    }

    fn python(&self, verb: &str) -> Target {
        self.target(Program::new(&self.python).arg(&self.python_script).arg(verb).arg(&self.pidfile))
    }

    fn target(&self, launcher: Program) -> Target {
        Target { launcher, pidfile: self.pidfile.clone() }
    }

    fn by(&self, program: &PathBuf, verb: &str) -> Program {
        Program::new(program).arg(verb).arg(&self.pidfile)
    }
}
