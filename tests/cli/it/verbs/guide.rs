//! The transcripts of the guide's page about the command line: each command is run, and prints what the guide shows.
//! `UPDATE_GUIDE=1` writes what it prints into the guide.

use super::lab_of;
use look::Lab;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// The first line of a block with a transcript.
const CONSOLE: &str = "```console\n";

/// Enters a mount namespace with the users of the lab and an own network, as the user `ada`.
const ENTER: &str = "mount --bind \"$0/passwd\" /etc/passwd && mount --bind \"$0/run\" /run && cd \"$0/home\" && \
                     exec setpriv --reuid 4711 --regid 4711 --clear-groups -- bash -c \"$1\"";

#[test]
fn transcripts_of_the_guide_are_what_the_program_prints() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/command-line.md");
    let guide = fs::read_to_string(&path).expect("a page");
    let program = include_str!("../../bin/myd.rs").split_once("\n\n").expect("a comment").1;
    assert!(guide.contains(program), "the program of the guide is not that of the test");
    let lab = lab_of(env!("CARGO_BIN_EXE_myd"));
    fs::rename(lab.program(), lab.path("myd")).expect("a file");
    let mut parts = guide.split(CONSOLE);
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (block, rest) = part.split_once("```").expect("the end of a block");
        let _ = write!(written, "{CONSOLE}{}```{rest}", transcript(&lab, block));
    }
    if std::env::var_os("UPDATE_GUIDE").is_some() {
        fs::write(&path, written).expect("a page");
    } else {
        assert!(written == guide, "run this test with UPDATE_GUIDE=1, and read the difference:\n{written}");
    }
}

/// Runs the commands of a block as the user, and returns the block with their output.
fn transcript(lab: &Lab, block: &str) -> String {
    let commands: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    if !commands.iter().all(|command| command.starts_with("myd ")) {
        return block.to_owned();
    }
    let mut text = String::new();
    for command in commands {
        let arguments = ["--mount", "--net", "--", "bash", "-c", ENTER];
        let run = lab.command("unshare", &arguments).arg(lab.directory()).arg(format!("{command} 2>&1"));
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", lab.directory().display());
        let outcome = run.env("PATH", path).run();
        let _ = writeln!(text, "$ {command}\n{}", shown(lab, &outcome.stdout).trim_end());
    }
    text
}

/// Returns the output with the host, the home, the pids and the times of the guide.
fn shown(lab: &Lab, text: &str) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let home = lab.path("home").display().to_string();
    let text = text.replace(&home, "/home/ada").replace(&format!("@{}.", host.trim_end()), "@laptop.");
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(match line.split_at_checked(11) {
            Some(("  since    ", _)) => "  since    2026-11-30 08:00:12 UTC (3m 7s ago)".to_owned(),
            Some(("  pid      ", _)) => "  pid      4711".to_owned(),
            _ => with_pid(line),
        });
    }
    lines.join("\n")
}

/// Replaces the number after `pid `.
fn with_pid(line: &str) -> String {
    match line.split_once("pid ") {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
            format!("{before}pid 4711{rest}")
        }
        None => line.to_owned(),
    }
}
