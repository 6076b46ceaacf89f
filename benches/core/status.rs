//! The part `status`: what it costs to ask whether a daemon runs.

use std::path::Path;

use crate::bench::{Bench, Part};
use crate::cases::measure;
use crate::children::Program;
use crate::programs::Profile::Release;
use crate::starts::{Clock, Target, run};

pub(crate) const PART: Part = Part { name: "status", title: "Status", run: measure_all };

/// Of 200 calls each.
const CALL_ROUNDS: usize = 50;
const WHOLE_ROUNDS: usize = 300;

fn measure_all(bench: &mut Bench) -> Result<(), String> {
    let ours = bench.programs.rust("ours", "status", Release)?;
    let limit = bench.programs.c("status", &[])?;
    let [pidfile, dead] = ["status.pid", "dead.pid"].map(|name| bench.work_dir.join(name));
    let verb = |verb: &str, pidfile: &Path| Program::new(&ours).arg(verb).arg(pidfile);
    let target = |pidfile: &Path| Target { launcher: verb("start", pidfile), pidfile: pidfile.to_owned() };
    let killed = target(&dead).start(&bench.work_dir)?;
    killed.kill()?;
    let _daemon = target(&pidfile).start(&bench.work_dir)?;

    bench.say("In a running process; each value is the mean of 200 calls.\n");
    let case = |name, program| run(name, program, Clock::Printed);
    let calls = [
        case("**the limit**: open and read the pidfile and `/proc/PID/stat`, in Rust", verb("files", &pidfile)),
        case("**ours**, of a running daemon", verb("time", &pidfile)).wanted(1.3),
        case("ours, of a killed daemon", verb("time", &dead)),
        case("ours, without a pidfile", verb("time", &bench.work_dir.join("none.pid"))),
    ];
    measure(bench, CALL_ROUNDS, ["µs", "× limit"], &calls, &[])?;

    bench.say("A program that asks, from its exec to its exit.\n");
    let start_stop_daemon = Program::new("/usr/sbin/start-stop-daemon").args(["--status", "--pidfile"]).arg(&pidfile);
    let case = |name, program| run(name, program, Clock::Outside);
    let whole = [
        case("**the limit**: the same calls, in C", Program::new(limit).arg(&pidfile)),
        case("**ours**", verb("status", &pidfile)),
        case("start-stop-daemon --status", start_stop_daemon),
    ];
    measure(bench, WHOLE_ROUNDS, ["ms", "× limit"], &whole, &[])
}
