//! The part `growth`: what the other pidfiles in a directory cost.

use std::fs;
use std::path::Path;

use crate::bench::{Bench, Part};
use crate::cases::{Case, measure};
use crate::children::Program;
use crate::programs::Profile::Release;
use crate::starts::{Clock, Target, run, start, stop};

pub(crate) const PART: Part =
    Part { name: "growth", title: "Growth with the pidfiles in a directory", run: measure_all };

const ROUNDS: usize = 300;

/// The other pidfiles in the crowded directory.
const OTHERS: usize = 4999;

/// Of 200 calls each.
const CALL_ROUNDS: usize = 50;

fn measure_all(bench: &mut Bench) -> Result<(), String> {
    let program = bench.programs.rust("ours", "stopped", Release)?;
    let status = bench.programs.rust("ours", "status", Release)?;
    let launcher = |pidfile: &Path| Program::new(&program).arg("start").arg(pidfile);
    let target = |pidfile: &Path| Target { launcher: launcher(pidfile), pidfile: pidfile.to_owned() };

    let mut daemons = Vec::new();
    let mut times: Vec<Case> = Vec::new();
    let mut calls: Vec<Case> = Vec::new();
    for (directory, others, count) in [("one", 0, "1 pidfile"), ("many", OTHERS, "5,000 pidfiles")] {
        let directory = bench.work_dir.join(directory);
        fs::create_dir(&directory).map_err(|error| format!("failed to create `{}`: {error}", directory.display()))?;
        let killed = target(&directory.join("killed.pid")).start(&bench.work_dir)?;
        killed.kill()?;
        fill(&directory, others)?;
        drop(killed);
        let [own, asked] = ["own.pid", "asked.pid"].map(|name| directory.join(name));
        daemons.push(target(&asked).start(&bench.work_dir)?);
        let base = |verb: &str| format!("{verb}, 1 pidfile");
        let name = |verb: &str| format!("{verb}, {count}");
        let stop_call = Program::new(&program).arg("time").arg(&own);
        times.push(start(&name("start"), launcher(&own), &own, Clock::Outside).beside(&base("start")));
        times.push(stop(&name("stop"), target(&own), stop_call, Clock::Printed).beside(&base("stop")));
        let status_call = Program::new(&status).arg("time").arg(&asked);
        calls.push(run(&name("status"), status_call, Clock::Printed).beside(&base("status")));
    }
    bench.say("The start is a program from its exec on; stop and status are calls.\n");
    measure(bench, ROUNDS, ["ms", "× 1 pidfile"], &times, &[])?;
    measure(bench, CALL_ROUNDS, ["µs", "× 1 pidfile"], &calls, &[])
}

/// Copies each file of a directory, as killed daemons with other pidfiles leave them.
fn fill(directory: &Path, copies: usize) -> Result<(), String> {
    let failed = |error| format!("failed to fill `{}`: {error}", directory.display());
    let files: Vec<_> = fs::read_dir(directory).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        for number in 0..copies {
            fs::copy(file.path(), directory.join(format!("{number}-{name}"))).map_err(failed)?;
        }
    }
    Ok(())
}
