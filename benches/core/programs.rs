//! Builds the measured programs in C, Rust and Python, below `target/rivals/core`, outside the workspace.
//!
//! Each Rust package has a manifest and a lock file of its own there, so that no features are united with the workspace's and
//! the release profile is cargo's default. Sources stay in `benches/core/programs`: `c/NAME.c`, `python/NAME.py`, and
//! one directory for each package, whose files are its programs.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::system_info::first_line;

/// The packages of Rust programs, with their dependencies; `CHECKOUT` stands for the path of the library.
const PACKAGES: &[(&str, &[&str])] = &[
    ("ours", &["daemonic = { path = CHECKOUT }"]),
    ("plain", &[]),
    ("daemonize", &["daemonize = \"=0.5.0\"", SIGNAL_HOOK]),
    ("blivet", &["blivet = { version = \"=0.15.0\", default-features = false }", SIGNAL_HOOK]),
    ("steps", &[WITH_TOKIO, CLOCKS, "tokio = { version = \"1\", features = [\"net\", \"rt\", \"time\"] }"]),
    ("signals", &["daemonic = { path = CHECKOUT }", CLOCKS, SIGNAL_HOOK]),
    ("messages", &[WITH_TOKIO]),
];
const WITH_TOKIO: &str = "daemonic = { path = CHECKOUT, features = [\"tokio\"] }";
const CLOCKS: &str = "nix = { version = \"0.31\", features = [\"time\"] }";
const SIGNAL_HOOK: &str = "signal-hook = \"=0.4.6\"";

/// Python's libraries.
const PYTHON_PACKAGES: [&str; 2] = ["daemons==1.3.2", "pandaemonium==0.9.1"];

/// Profiles beside cargo's own, with the names that are directories of the target.
const PROFILES: &str = "
[profile.lto]
inherits = \"release\"
lto = \"fat\"

[profile.small]
inherits = \"release\"
lto = \"fat\"
opt-level = \"s\"
";

/// How a Rust program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Cargo's default release profile.
    Release,
    /// `lto = "fat"`.
    Lto,
    /// `lto = "fat"` and `opt-level = "s"`.
    Small,
    /// The default release profile, linked statically.
    Static,
    /// `Small`, linked statically.
    SmallStatic,
}

impl Profile {
    /// Returns cargo's name of the profile, and whether the program is linked statically.
    fn settings(self) -> (&'static str, bool) {
        match self {
            Self::Release => ("release", false),
            Self::Lto => ("lto", false),
            Self::Small => ("small", false),
            Self::Static => ("release", true),
            Self::SmallStatic => ("small", true),
        }
    }
}

/// Builds programs when they are asked for.
#[derive(Debug)]
pub(crate) struct Programs {
    sources: PathBuf,
    target: PathBuf,
}

impl Programs {
    /// Prepares the manifests.
    pub(crate) fn new() -> Result<Self, String> {
        let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = benches.parent().ok_or("the checkout has no parent directory")?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout.join("target"), PathBuf::from);
        let target = std::path::absolute(target.join("rivals/core")).map_err(|error| error.to_string())?;
        let programs = Self { sources: benches.join("core/programs"), target };
        for (package, dependencies) in PACKAGES {
            programs.write_manifest(package, dependencies, checkout)?;
        }
        Ok(programs)
    }

    /// Returns the versions of the peers.
    pub(crate) fn versions() -> Vec<String> {
        let debian = |package| {
            let version = first_line("dpkg-query", &["-W", "-f", "${Version}", package]);
            format!("{package} {version}")
        };
        let exact = |dependency: &&str| {
            let (name, version) = (dependency.split(' ').next()?, dependency.split_once("\"=")?.1);
            Some(format!("{name} {}", version.split('"').next()?))
        };
        let crates: BTreeSet<String> =
            PACKAGES.iter().flat_map(|(_, dependencies)| *dependencies).filter_map(exact).collect();
        let python = PYTHON_PACKAGES.iter().map(|package| package.replace("==", " "));
        let python = python.chain([first_line("python3", &["--version"])]);
        crates.into_iter().chain(python).chain([debian("dpkg"), debian("libdaemon0")]).collect()
    }

    /// Builds `c/NAME.c` with `-O2` and these flags, and returns the program.
    pub(crate) fn c(&self, name: &str, flags: &[&str]) -> Result<PathBuf, String> {
        let directory = self.target.join("c");
        create(&directory)?;
        let program = directory.join([&[name], flags].concat().join(""));
        let source = self.sources.join("c").join(name).with_extension("c");
        let mut command = Command::new("cc");
        command.args(["-O2", "-Wall", "-Wextra", "-pthread", "-o"]).arg(&program).arg(source);
        // Libraries come after what needs them.
        succeed(command.args(flags))?;
        Ok(program)
    }

    /// Builds a program of one of the packages, and returns it.
    pub(crate) fn rust(&self, package: &str, name: &str, profile: Profile) -> Result<PathBuf, String> {
        let (profile, is_static) = profile.settings();
        let directory = self.target.join(package);
        // The bench runs at a high priority, which builds do not need.
        let mut command = Command::new("nice");
        command.args(["-n", "20"]).arg(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The caller's settings would measure something else than what a user of the library gets.
        for (variable, _) in env::vars_os() {
            let text = variable.to_string_lossy();
            if text.contains("RUSTFLAGS") || text.starts_with("CARGO_PROFILE_") || text.starts_with("CARGO_BUILD_") {
                command.env_remove(&variable);
            }
        }
        command.args(["build", "--quiet", "--profile", profile, "--bin", name]);
        command.current_dir(&directory).arg("--target-dir").arg(directory.join("target"));
        eprintln!("building {package}/{name}, profile {profile}{}", if is_static { ", static" } else { "" });
        let mut built = directory.join("target");
        if is_static {
            let host = host()?;
            command.args(["--target", &host]).env("RUSTFLAGS", "-Ctarget-feature=+crt-static");
            built.push(host);
        }
        succeed(&mut command)?;
        // As it would be installed: pages that the linker has written one by one take more page faults.
        let installed = directory.join("installed");
        create(&installed)?;
        let installed = installed.join(format!("{name}-{profile}{}", if is_static { "-static" } else { "" }));
        fs::copy(built.join(profile).join(name), &installed).map_err(|error| failed("write", &installed, &error))?;
        Ok(installed)
    }

    /// Installs Python's libraries, and returns the interpreter that finds them.
    pub(crate) fn python(&self) -> Result<PathBuf, String> {
        let directory = self.target.join("venv");
        let interpreter = directory.join("bin/python3");
        let is_installed = |package: &&str| {
            let name = package.split('=').next().unwrap_or_default();
            let import = Command::new(&interpreter).args(["-c", &format!("import {name}")]).output();
            import.is_ok_and(|output| output.status.success())
        };
        if !PYTHON_PACKAGES.iter().all(is_installed) {
            succeed(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
            succeed(Command::new(directory.join("bin/pip")).args(["install", "--quiet"]).args(PYTHON_PACKAGES))?;
        }
        Ok(interpreter)
    }

    /// Returns the path of `python/NAME.py`.
    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.sources.join("python").join(name).with_extension("py")
    }

    fn write_manifest(&self, package: &str, dependencies: &[&str], checkout: &Path) -> Result<(), String> {
        let directory = self.target.join(package);
        create(&directory)?;
        let dependencies = dependencies.join("\n");
        if dependencies.contains("CHECKOUT") {
            // The versions that this checkout is tested with.
            let lock = directory.join("Cargo.lock");
            fs::copy(checkout.join("Cargo.lock"), &lock).map_err(|error| failed("write", &lock, &error))?;
        }
        let dependencies = dependencies.replace("CHECKOUT", &format!("\"{}\"", checkout.display()));
        let mut manifest = format!(
            "[package]\nname = \"bench-{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}\n{PROFILES}"
        );
        let sources = self.sources.join(package);
        for entry in fs::read_dir(&sources).map_err(|error| failed("read", &sources, &error))? {
            let source = entry.map_err(|error| failed("read", &sources, &error))?.path();
            let name = source.file_stem().unwrap_or_default().to_string_lossy();
            let _ = write!(manifest, "\n[[bin]]\nname = \"{name}\"\npath = \"{}\"\n", source.display());
        }
        let path = directory.join("Cargo.toml");
        fs::write(&path, manifest).map_err(|error| failed("write", &path, &error))
    }
}

/// Returns the target triple of the compiler itself.
fn host() -> Result<String, String> {
    let output =
        Command::new("rustc").arg("-vV").output().map_err(|error| format!("failed to run `rustc`: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| format!("`rustc -vV` names no host:\n{text}"))
}

fn create(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| failed("create", directory, &error))
}

fn failed(verb: &str, path: &Path, error: &std::io::Error) -> String {
    format!("failed to {verb} `{}`: {error}", path.display())
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("failed to run {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}
