//! The list of tools in `scripts/tools`: it is complete, and scripts install missing tools from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use look::{Lab, Outcome};

use crate::common::lab;
use crate::source;

/// Programs that tests run and that every Debian with a Rust toolchain has.
const ALWAYS_THERE: &[&str] =
    &["bash", "cat", "cp", "dd", "env", "install", "journalctl", "mknod", "rustc", "sh", "sleep"];

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around this package").join("scripts")
}

/// Returns the Rust files below `directory`.
fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of tests").map(|entry| entry.expect("an entry").path());
    let files = entries.map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.flatten().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Returns the programs that the tests run by name, without the directories of those named by a path.
fn programs_of_tests() -> BTreeSet<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "it", "control", "monitor"].map(|place| rust_files(&tests.join(place))).concat();
    files.iter().flat_map(|file| source::programs(&fs::read_to_string(file).expect("a source file"))).collect()
}

#[test]
fn tools_that_tests_run_are_listed() {
    let list = lab().command("bash", &[scripts().join("tools").to_str().expect("a path"), "--list", "test"]).run().ok();
    let listed: BTreeSet<&str> = list.stdout.split([' ', '/']).map(str::trim).flat_map(str::split_whitespace).collect();
    let programs = programs_of_tests();
    assert!(programs.contains("strace") && programs.contains("nats-server"), "{programs:?}");
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| !listed.contains(program.as_str()) && !ALWAYS_THERE.contains(&program.as_str()))
        .collect();
    assert!(missing.is_empty(), "tests run {missing:?}: add them to the list in scripts/tools");
}

#[test]
fn scripts_install_packages_only_from_the_list() {
    for script in fs::read_dir(scripts()).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        let text = fs::read_to_string(&script).expect("a script");
        let installs = text.contains("apt-get install");
        assert_eq!(installs, script.ends_with("tools"), "`{}` installs packages of its own", script.display());
    }
}

/// Runs `need_tools test` as `user`, with a list in which the test needs `no-such-tool` of the packages `one` and
/// `two`.
///
/// The fake `apt-get` writes its arguments to the file `apt`, and runs `install` for an installation.
fn need_a_tool(lab: &Lab, user: u32, install: &str) -> Outcome {
    let script = format!(
        "{}
        id() {{ echo {user}; }}
        apt-get() {{ echo \"$@\" >>apt; [ \"$1\" = update ] || {install}; }}
        tools_table='
test,other  one,two  no-such-tool
other       three    another-tool
test        four     test -d /
'
        set -euo pipefail
        PATH=$PWD:$PATH
        need_tools test
        echo ready",
        fs::read_to_string(scripts().join("tools")).expect("scripts/tools")
    );
    // `$0` is a name of its own, so that the text of `scripts/tools` assumes that it is sourced.
    lab.command("bash", &["-c", &script, "test"]).run()
}

#[test]
fn need_tools_with_missing_tool_installs_its_packages_once() {
    let lab = lab();
    need_a_tool(&lab, 0, "cp /bin/true no-such-tool").ok().prints(&["ready"]);
    assert_eq!(lab.read("apt"), "update -q\ninstall -qy --no-install-recommends one two\n");
    need_a_tool(&lab, 0, "return 1").ok().prints(&["ready"]);
    assert_eq!(lab.read("apt").lines().count(), 2);
}

#[test]
fn need_tools_with_failed_install_fails() {
    let failed = need_a_tool(&lab(), 0, "return 100");
    assert!(failed.code() == 100 && !failed.stdout.contains("ready"), "{failed}");
}

#[test]
fn need_tools_with_packages_that_lack_the_tool_names_them() {
    let failed = need_a_tool(&lab(), 0, "true").exits(1).says(&["scripts/test still finds no tool", "one two"]);
    assert!(!failed.stdout.contains("ready"), "{failed}");
}

#[test]
fn need_tools_without_root_names_the_packages() {
    let lab = lab();
    let failed = need_a_tool(&lab, 1000, "true").exits(1).says(&["scripts/test needs", "apt-get install one two"]);
    assert!(!failed.stdout.contains("ready") && lab.read("apt").is_empty(), "{failed}");
}

/// Runs `scripts/crates` with a `cargo` that prints `count` crates for every feature.
fn count_crates(count: usize) -> Outcome {
    let lab = lab();
    let cargo = lab.write(
        "cargo",
        format!("#!/bin/sh\nfor number in $(seq {count}); do echo \"crate$number v1.0.0 (*)\"; done\n"),
    );
    let script =
        format!("chmod +x {} && PATH=$PWD:$PATH && exec {}", cargo.display(), scripts().join("crates").display());
    lab.command("bash", &["-c", &script]).run()
}

#[test]
fn crates_beyond_the_limit_of_a_feature_fail_and_are_named() {
    count_crates(1).ok().prints(&["daemonctl   1 crates"]);
    count_crates(1000).exits(1).says(&["`core` brings more crates than its limit:\ncrate1 v1.0.0\ncrate10 "]);
}
