//! The part `text`: the size of a program that is a daemon and does nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{Table, number};

use crate::bench::{Bench, Part};
use crate::programs::Profile::{Lto, Release, Small, SmallStatic, Static};

pub(crate) const PART: Part = Part { name: "text", title: "Size", run };

fn run(bench: &mut Bench) -> Result<(), String> {
    let programs = &bench.programs;
    let ours = |profile| programs.rust("ours", "entered", profile);
    let cases: [(&str, PathBuf, Option<f64>); 9] = [
        ("`blivet`", programs.rust("blivet", "start", Release)?, None),
        ("`daemonize`", programs.rust("daemonize", "start", Release)?, None),
        ("empty Rust program", programs.rust("plain", "empty", Release)?, None),
        ("empty Rust program, static", programs.rust("plain", "empty", Static)?, None),
        ("**ours**", ours(Release)?, Some(1.3)),
        ("**ours**, LTO", ours(Lto)?, None),
        ("**ours**, recommended profile", ours(Small)?, None),
        ("**ours**, static", ours(Static)?, None),
        ("**ours**, recommended profile, static", ours(SmallStatic)?, None),
    ];
    bench.say("Bytes by `size`: text is code and constants. The file has symbols, too, unless it is stripped.\n");
    let base = size(&cases[0].1)?;
    let mut table = Table::new(&["", "text", "data and bss", "file", "× text of blivet", "wanted"]);
    for (name, program, wanted) in &cases {
        let (text, data) = size(program)?;
        let ratio = text / base.0;
        let file =
            fs::metadata(program).map_err(|error| format!("failed to look at `{}`: {error}", program.display()))?;
        let wanted = bench.limits.cell(ratio, *wanted);
        table.row([(*name).to_owned(), number(text), number(data), file.len().to_string(), number(ratio), wanted]);
    }
    bench.say(&table);
    Ok(())
}

/// Returns the bytes of code and constants, and those of data, as `size` counts them.
fn size(program: &Path) -> Result<(f64, f64), String> {
    let output =
        Command::new("size").arg(program).output().map_err(|error| format!("failed to run `size`: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Option<Vec<f64>> =
        text.lines().nth(1).and_then(|line| line.split_whitespace().take(3).map(|word| word.parse().ok()).collect());
    match figures.as_deref() {
        Some([text, data, bss]) => Ok((*text, data + bss)),
        _ => Err(format!("`size {}` printed `{}`", program.display(), text.trim())),
    }
}
