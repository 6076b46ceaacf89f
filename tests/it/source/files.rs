//! Lists and reads the files of the checkout that this test was built from.

use std::fs;
use std::path::{Path, PathBuf};

/// The directories with Rust files, but for `tests/ui`: most of those files must not compile.
const DIRECTORIES: &[&str] = &[
    "src",
    "daemonize-cli",
    "daemonize-control",
    "daemonize-core",
    "daemonize-exec",
    "daemonize-logging",
    "daemonize-on-demand",
    "daemonize-scope",
    "daemonize-macros",
    "daemonize-monitor",
    "daemonize-service",
    "daemonize-sys",
    "examples",
    "tests/src",
    "tests/it",
    "tests/cli",
    "tests/control",
    "tests/monitor",
    "tests/aborting",
    "benches",
    "fuzz",
];

/// Returns the root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around this package").to_owned()
}

/// Returns the content of `path`.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("failed to read `{}`: {error}", path.display()))
}

/// Returns every Rust file of the workspace.
pub(crate) fn all_files() -> Vec<PathBuf> {
    DIRECTORIES.iter().flat_map(|directory| rust_files(&root().join(directory))).collect()
}

/// Returns the Rust files below `directory`, sorted; none if it cannot be read.
pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
    files(directory, "rs")
}

/// Returns every Markdown file of the checkout.
pub(crate) fn markdown_files() -> Vec<PathBuf> {
    files(&root(), "md")
}

/// Returns the files below `directory` with this extension, without build output, hidden and foreign directories.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_skipped = name.starts_with('.') || ["target", "node_modules"].contains(&&*name);
        if path.is_dir() && !is_skipped {
            found.extend(files(&path, extension));
        } else if path.is_file() && path.extension().is_some_and(|of_file| of_file == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
