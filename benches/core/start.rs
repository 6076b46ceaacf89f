//! What a start costs: exec of the program → its launcher has exited and the pidfile names a living process.

use crate::bench::{Bench, Part};
use crate::children::Program;
use crate::programs::Profile;
use crate::starts::{Start, measure};

pub(crate) const PART: Part = Part { name: "start", title: "Start", run };

fn run(bench: &mut Bench) -> Result<(), String> {
    let pidfile = bench.place.join("d.pid");
    let programs = &bench.programs;
    let start = |name, program| Start::of(name, Program::new(program).arg(&pidfile), &pidfile);
    let cases = [
        start("C: double fork, readiness pipe (the limit)", programs.c("limit", &[])?),
        start("ours, default release, `ready = entered`", programs.rust("ours", "entered", Profile::Release)?)
            .wanted(1.35),
    ];
    measure(bench, 300, &cases)
}
