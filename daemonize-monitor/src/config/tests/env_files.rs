//! `env_file`.

use super::variables;
use crate::config::{Config, Diagnostics};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Files(directory)
    }

    fn read(&self) -> Result<Config, Diagnostics> {
        Config::read_with(&self.0.path().join("m.toml"), &variables)
    }

    /// The variables of the first bot.
    fn environment(&self) -> String {
        let bots = self.read().unwrap().bots;
        let told = bots[0].environment.iter().map(|(name, value)| format!("{}={}", name.display(), value.display()));
        told.collect::<Vec<_>>().join(" ")
    }

    fn mistakes(&self) -> String {
        self.read().unwrap_err().to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// Promise 6.55.
#[test]
fn env_comes_before_files_and_a_bot_before_defaults() {
    let bot = "[bot.web]\ncommand = \"/bin/true\"\n";
    let files = Files::new(&[("a.env", "A=a\nB=a\nC=a\n"), ("b.env", "B=b\nC=b\n")]);
    let write = |text: String| fs::write(files.0.path().join("m.toml"), text).unwrap();
    write(format!("{bot}env_file = [\"a.env\", \"b.env\"]\nenv = {{ C = \"env\" }}\n"));
    assert_eq!(files.environment(), "A=a B=b C=env");
    write(format!("[defaults]\nenv_file = \"a.env\"\nenv = {{ B = \"default\" }}\n{bot}"));
    assert_eq!(files.environment(), "A=a B=default C=a");
    write(format!("[defaults]\nenv_file = \"a.env\"\nenv = {{ B = \"default\" }}\n{bot}env_file = \"b.env\"\n"));
    assert_eq!(files.environment(), "B=b C=b");
}

#[test]
fn env_file_is_read_again_by_each_reload() {
    let files =
        Files::new(&[("m.toml", "[bot.web]\ncommand = \"/bin/true\"\nenv_file = \"a.env\"\n"), ("a.env", "A=1")]);
    let old = files.read().unwrap();
    assert!(old.plan(&files.read().unwrap()).is_empty());
    fs::write(files.0.path().join("a.env"), "A=2").unwrap();
    assert_eq!(old.plan(&files.read().unwrap()).restarted[0].keys, ["env"]);
}

/// Promise 6.55.
#[test]
fn env_file_that_is_missing_untrusted_or_wrong_is_refused_at_its_place() {
    let files = Files::new(&[("m.toml", "[bot.web]\ncommand = \"/bin/true\"\nenv_file = \"a.env\"\n")]);
    let path = files.0.path().join("a.env");
    assert_eq!(files.mistakes(), "m.toml:3:12: `env_file`: failed to read `a.env`: no such file or directory");
    fs::write(&path, "A=1\nB 2\n C=\"\n").unwrap();
    assert_eq!(
        files.mistakes(),
        "a.env:2:1: this is not a variable: write `NAME=VALUE`\na.env:3:4: the quote has no end: write a `\"` after the value"
    );
    fs::write(&path, "DAEMON_BOT=x\n").unwrap();
    assert_eq!(files.mistakes(), "a.env: `DAEMON_BOT`: the monitor sets this variable itself");
    fs::write(&path, b"A=\xff\n").unwrap();
    assert_eq!(files.mistakes(), "m.toml:3:12: `env_file`: failed to read `a.env`: it is not UTF-8");
    fs::write(&path, "A=1\n".repeat(1 << 19)).unwrap();
    assert!(files.mistakes().contains("larger than 1 MiB"));
    fs::write(&path, "A=1\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert!(files.mistakes().contains("and have any program run: `chmod go-w` it"), "{}", files.mistakes());
}
