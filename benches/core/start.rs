//! The part `start`: from the exec of a program until its launcher has exited and the pidfile names a living process; and
//! the call that starts a daemon from a running program.

use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use crate::bench::{Bench, Part};
use crate::cases::{Case, measure};
use crate::children::Program;
use crate::inherited_fds::InheritedFds;
use crate::programs::Profile::{self, Lto, Release, Small, SmallStatic, Static};
use crate::programs::Programs;
use crate::starts::{Clock, run, start};

pub(crate) const PART: Part = Part { name: "start", title: "Start", run: measure_all };

const ROUNDS: usize = 300;

/// The limit of descriptors of a service manager that sets none, and how many of them are open.
const DESCRIPTORS: u64 = 1_048_576;
const OPEN_DESCRIPTORS: usize = 1000;

const HEADS: [&str; 2] = ["ms", "× limit"];
const LIMIT: &str = "**the limit**: C, double fork, readiness pipe";
const OURS: &str = "**ours**, default release, `ready = entered`";
const BLIVET: &str = "`blivet`, notifies its launcher";

fn measure_all(bench: &mut Bench) -> Result<(), String> {
    bench.say("From exec until the launcher has exited and the pidfile names a living process. The limit is linked dynamically.\n");
    let pidfile = bench.work_dir.join("start.pid");
    let mut cases = floors(&bench.programs)?;
    cases.extend(peers(&bench.programs, &pidfile)?);
    cases.extend(ours(&bench.programs, &pidfile)?);
    cases.extend(ours_with_settings(bench, &pidfile)?);
    measure(bench, ROUNDS, HEADS, &cases, &[(OURS, BLIVET, 1.0)])?;

    bench.say("The call alone, in a program that has touched this much memory before.\n");
    let cases = called(&bench.programs, &pidfile)?;
    measure(bench, ROUNDS, HEADS, &cases, &[])?;
    measure_crowded(bench, &pidfile)
}

/// Measures starts from a process with many open descriptors.
fn measure_crowded(bench: &mut Bench, pidfile: &Path) -> Result<(), String> {
    let mut cases = peers(&bench.programs, pidfile)?;
    cases.push(entered(&bench.programs, OURS, Release, pidfile)?);
    let inherited = InheritedFds::new(DESCRIPTORS, OPEN_DESCRIPTORS)?;
    let not_raised = if inherited.limit < DESCRIPTORS { " (the highest that this machine allows)" } else { "" };
    bench.say(format_args!(
        "With {OPEN_DESCRIPTORS} inherited descriptors and `RLIMIT_NOFILE` at {}{not_raised}. The limit closes none of them.\n",
        inherited.limit
    ));
    measure(bench, ROUNDS, HEADS, &cases, &[])
}

/// Returns the case of the limit, and what programs cost that start nothing.
fn floors(programs: &Programs) -> Result<Vec<Case<'static>>, String> {
    let floor = |name, program| run(name, program, Clock::Outside);
    let python = Program::new(programs.python()?).arg("-c").arg("pass");
    Ok(vec![
        floor("an empty C program, dynamic", Program::new(programs.c("empty", &[])?)).beside(LIMIT),
        floor("an empty C program, static", Program::new(programs.c("empty", &["-static"])?)).beside(LIMIT),
        floor("an empty Rust program", Program::new(programs.rust("plain", "empty", Release)?)).beside(LIMIT),
        floor("an empty Rust program, static", Program::new(programs.rust("plain", "empty", Static)?)).beside(LIMIT),
        floor("an empty Python program", python).beside(LIMIT).seldom(),
    ])
}

fn peers(programs: &Programs, pidfile: &Path) -> Result<Vec<Case<'static>>, String> {
    let notify = programs.c("notify", &[])?;
    let case = |name, program: PathBuf| start(name, Program::new(program).arg(pidfile), pidfile, Clock::Outside);
    let start_stop_daemon = |name, options: &[&str]| {
        let program = Program::new("/usr/sbin/start-stop-daemon").args(["--start", "--background", "--make-pidfile"]);
        let program = program.args(options).arg("--pidfile").arg(pidfile).arg("--exec").arg(&notify);
        start(name, program, pidfile, Clock::Outside)
    };
    let python = |name, script, verb: &[&str]| {
        let program = Program::new(programs.python()?).arg(programs.script(script)).args(verb).arg(pidfile);
        Ok::<_, String>(start(name, program, pidfile, Clock::Outside).seldom())
    };
    let cases = vec![
        case(LIMIT, programs.c("limit", &[])?),
        case("the same, static", programs.c("limit", &["-static"])?),
        case("libdaemon", programs.c("libdaemon", &["-ldaemon"])?),
        start_stop_daemon("start-stop-daemon, waits for nothing", &[]),
        start_stop_daemon("start-stop-daemon --notify-await --no-close", &["--notify-await", "--no-close"]),
        start_stop_daemon("start-stop-daemon --notify-await", &["--notify-await"]),
        case("`daemonize`, waits for nothing", programs.rust("daemonize", "start", Release)?),
        case(BLIVET, programs.rust("blivet", "start", Release)?),
        python("Python `daemons`, waits for nothing", "daemons_daemon", &["start"])?,
        python("Python `pandaemonium`", "pandaemonium_daemon", &[])?,
    ];
    Ok(cases.into_iter().map(|case| case.beside(LIMIT)).collect())
}

/// Returns the case of the daemon that is ready when its body is entered.
fn entered(programs: &Programs, name: &str, profile: Profile, pidfile: &Path) -> Result<Case<'static>, String> {
    let program = Program::new(programs.rust("ours", "entered", profile)?).arg(pidfile);
    Ok(start(name, program, pidfile, Clock::Outside).beside(LIMIT))
}

fn ours(programs: &Programs, pidfile: &Path) -> Result<Vec<Case<'static>>, String> {
    let case = |name, program| {
        let program = Program::new(programs.rust("ours", program, Release)?).arg(pidfile);
        Ok::<_, String>(start(name, program, pidfile, Clock::Outside).beside(LIMIT))
    };
    let entered = |name, profile| entered(programs, name, profile, pidfile);
    Ok(vec![
        entered(OURS, Release)?.wanted(1.35),
        case("… `ready = auto`", "auto")?,
        case("… `ready = manual`", "manual")?,
        entered("… LTO fat", Lto)?,
        entered("… LTO fat, `opt-level = \"s\"`", Small)?,
        entered("… static", Static)?.wanted(1.15),
        entered("… static, LTO fat, `opt-level = \"s\"`", SmallStatic)?,
    ])
}

/// Returns our cases with log files, handlers and, for root, another user.
fn ours_with_settings(bench: &Bench, pidfile: &Path) -> Result<Vec<Case<'static>>, String> {
    let logs = ["out.log", "errors.log"].map(|name| bench.work_dir.join(name));
    let case = |name, program| {
        let program = Program::new(bench.programs.rust("ours", program, Release)?).arg(pidfile).args(&logs);
        Ok::<_, String>(start(name, program, pidfile, Clock::Outside).beside(LIMIT))
    };
    let mut cases = vec![case("… two log files", "log")?, case("… five handlers", "handlers")?];
    if Uid::effective().is_root() {
        let limit = Program::new(bench.programs.c("limit", &["-DCHANGE_USER"])?).arg(pidfile);
        cases.push(start("the limit that becomes `nobody`", limit, pidfile, Clock::Outside).beside(LIMIT));
        cases.push(case("… `user = \"nobody\"`", "user")?);
        cases.push(case("… user, log files and handlers", "complete")?.wanted(1.5));
    }
    Ok(cases)
}

/// Returns the cases of calls, each beside the limit with as much memory.
fn called(programs: &Programs, pidfile: &Path) -> Result<Vec<Case<'static>>, String> {
    let [limit, ours] = [programs.c("limit", &[])?, programs.rust("ours", "called", Release)?];
    let mut cases = Vec::new();
    for size in ["0", "1", "64"] {
        let case = |name: &str, program: &Path| {
            let program = Program::new(program).arg(pidfile).arg(size);
            start(name, program, pidfile, Clock::Printed)
        };
        let base = format!("the limit, {size} MiB");
        cases.push(case(&base, &limit).beside(&base));
        cases.push(case(&format!("ours, {size} MiB"), &ours).beside(&base));
    }
    Ok(cases)
}
