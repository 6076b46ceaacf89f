//! Programs of other packages of this workspace that tests run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The variable that `scripts/test` sets after it has built the whole workspace.
const BUILT: &str = "DAEMON_TESTS_BUILT";

/// Returns the directory that holds the workspace's programs, which is the one of the test's own helper program
/// `helper`.
///
/// Builds `packages` first, once per process, unless `scripts/test` has built the workspace: cargo unites the features
/// of the requested packages, so building a part of the workspace would be another build.
///
/// # Panics
/// If the packages do not build.
pub fn programs(helper: &str, packages: &[&str]) -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let profile = Path::new(helper).parent().expect("a directory of programs");
        if std::env::var_os(BUILT).is_none() {
            build(profile, packages);
        }
        profile.to_owned()
    })
}

/// Runs `cargo build` for the programs and examples of `packages`, in the profile and target directory of `profile`.
fn build(profile: &Path, packages: &[&str]) {
    let target = profile.parent().expect("a target directory");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--bins", "--examples", "--manifest-path"]);
    cargo.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).env("CARGO_TARGET_DIR", target);
    for package in packages {
        cargo.args(["--package", package]);
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cargo");
    assert!(output.status.success(), "{packages:?} do not build:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs the program `pass_NAME` of `programs` for each `NAME.rs` in `sources`, a directory of the test's package.
///
/// # Panics
/// If there is none, if a source has no program that denies warnings, or if one fails.
#[track_caller]
pub fn run_passing(sources: &Path, programs: &Path) {
    let sources: Vec<PathBuf> = fs::read_dir(sources)
        .expect("a directory of the package")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(!sources.is_empty(), "no sources");
    for source in sources {
        let text = fs::read_to_string(&source).expect("a source");
        assert!(text.contains("#![deny(warnings)]"), "`{}` allows warnings", source.display());
        let name = source.file_stem().expect("a name").to_string_lossy();
        let program = programs.join(format!("pass_{name}"));
        let output = Command::new(&program).output();
        let output = output.unwrap_or_else(|error| {
            panic!("failed to run `{}`: {error}: is it among the examples of its Cargo.toml?", program.display())
        });
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
