//! The part `growth`: what the other pidfiles in a directory cost.

use std::fs;
use std::path::Path;

use measure::Place;

use crate::bench::{Bench, Part};
use crate::cases::{Case, measure};
use crate::children::{Program, end_daemon};
use crate::programs::Profile::Release;
use crate::starts::{Clock, Target, run, start, stop};

pub(crate) const PART: Part =
    Part { name: "growth", title: "Growth with the pidfiles in a directory", run: measure_all };

const ROUNDS: usize = 300;

/// The other pidfiles in the crowded directory.
const OTHERS: usize = 4999;

fn measure_all(bench: &mut Bench) -> Result<(), String> {
    let program = bench.programs.rust("ours", "stopped", Release)?;
    let status = bench.programs.rust("ours", "status", Release)?;
    let launcher = |pidfile: &Path| Program::new(&program).arg("start").arg(pidfile);
    let target = |pidfile: &Path| Target { launcher: launcher(pidfile), pidfile: pidfile.to_owned() };

    let mut daemons = Vec::new();
    let mut times: Vec<Case> = Vec::new();
    let mut calls: Vec<Case> = Vec::new();
    for (directory, others, count) in [("one", 0, "1"), ("many", OTHERS, "5,000")] {
        let directory = bench.place.join(directory);
        fs::create_dir(&directory).map_err(|error| format!("failed to create `{}`: {error}", directory.display()))?;
        fill(&directory, others, &target(&directory.join("dead.pid")), &bench.place)?;
        let [own, asked] = ["own.pid", "asked.pid"].map(|name| directory.join(name));
        daemons.push((target(&asked).start(&bench.place)?, asked.clone()));
        let base = |verb: &str| format!("{verb}, 1 pidfile");
        let name = |verb: &str| if others == 0 { base(verb) } else { format!("{verb}, {count} pidfiles") };
        let stop_call = Program::new(&program).arg("time").arg(&own);
        times.push(start(&name("start"), launcher(&own), &own, Clock::Outside).beside(&base("start")));
        times.push(stop(&name("stop"), target(&own), stop_call, Clock::Printed).beside(&base("stop")));
        let status_call = Program::new(&status).arg("time").arg(&asked);
        calls.push(run(&name("status"), status_call, Clock::Printed).beside(&base("status")));
    }
    bench.say("The start is a program from its exec on; stop and status are calls.\n");
    measure(bench, ROUNDS, ["ms", "× 1 pidfile"], &times, &[])?;
    measure(bench, ROUNDS.min(50), ["µs", "× 1 pidfile"], &calls, &[])?;
    daemons.into_iter().try_for_each(|(daemon, pidfile)| end_daemon(daemon, &pidfile))
}

/// Fills a directory with pidfiles and their lock files, as killed daemons leave them.
fn fill(directory: &Path, count: usize, daemon: &Target, place: &Place) -> Result<(), String> {
    daemon.kill(place)?;
    let failed = |error| format!("failed to fill `{}`: {error}", directory.display());
    let files: Vec<_> = fs::read_dir(directory).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    for file in &files {
        let name = file.file_name().to_string_lossy().into_owned();
        for number in 0..count {
            fs::copy(file.path(), directory.join(format!("{number}-{name}"))).map_err(failed)?;
        }
    }
    if count == 0 {
        files.iter().try_for_each(|file| fs::remove_file(file.path()).map_err(failed))?;
    }
    Ok(())
}
