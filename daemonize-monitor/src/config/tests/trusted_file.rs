//! Files as they lie about: to be trusted or not, including each other.

use crate::config::Config;
use nix::sys::stat::Mode;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const GOOD: &str = "[bot.web]\ncommand = \"/bin/true\"\n";

/// A directory with these files in it.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&directory.path().join(name), text.as_bytes());
    }
    directory
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    set_mode(path, 0o644);
    set_mode(path.parent().unwrap(), 0o755);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Returns the mistakes in the file `name`, without the directory's name.
fn refused(directory: &TempDir, name: &str) -> String {
    match Config::read(directory.path().join(name)) {
        Ok(config) => panic!("read {config:?}"),
        Err(mistakes) => mistakes.to_string().replace(directory.path().to_str().unwrap(), "DIR"),
    }
}

fn names(config: &Config) -> Vec<&str> {
    config.bots.iter().map(|bot| &*bot.name).collect()
}

/// Promise 6.09.
#[test]
fn a_file_that_others_can_write_is_refused() {
    let directory = directory(&[("bots.toml", GOOD)]);
    let path = directory.path().join("bots.toml");
    assert_eq!(names(&Config::read(&path).unwrap()), ["web"]);
    for mode in [0o666, 0o664, 0o646] {
        set_mode(&path, mode);
        let text =
            format!("others than its owner can write it (mode {mode:04o}), and have any program run: `chmod go-w` it");
        assert_eq!(refused(&directory, "bots.toml"), format!("DIR/bots.toml: failed to read it: {text}"));
    }
}

/// Promise 6.09.
#[test]
fn a_directory_in_which_others_can_swap_the_file_is_refused() {
    let directory = directory(&[("etc/bots.toml", GOOD)]);
    for mode in [0o777, 0o775] {
        set_mode(&directory.path().join("etc"), mode);
        let wrong = refused(&directory, "etc/bots.toml");
        assert!(wrong.contains("DIR/etc`") && wrong.contains("can write it"), "{wrong}");
    }
    // A sticky directory such as /tmp: no user can replace files of another one.
    set_mode(&directory.path().join("etc"), 0o1777);
    assert_eq!(names(&Config::read(directory.path().join("etc/bots.toml")).unwrap()), ["web"]);
}

/// Promise 6.09. Only root can give a file away.
#[test]
fn what_belongs_to_somebody_else_is_refused() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let directory = directory(&[("etc/bots.toml", GOOD)]);
    let path = directory.path().join("etc/bots.toml");
    chown(&path, Some(65_534), None).unwrap();
    assert_eq!(
        refused(&directory, "etc/bots.toml"),
        "DIR/etc/bots.toml: failed to read it: it belongs to uid 65534, who could have any program run: `chown` it"
    );
    chown(&path, Some(0), None).unwrap();
    chown(path.parent().unwrap(), Some(65_534), None).unwrap();
    let wrong = refused(&directory, "etc/bots.toml");
    assert!(wrong.contains("65534") && wrong.contains("who could swap what is in it"), "{wrong}");
    chown(path.parent().unwrap(), Some(0), None).unwrap();
    let link = directory.path().join("link.toml");
    symlink(&path, &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
    let wrong = refused(&directory, "link.toml");
    assert!(wrong.contains("it is a symbolic link of uid 65534"), "{wrong}");
}

/// Promise 6.09.
#[test]
fn our_own_links_are_followed_and_what_they_lead_to_is_judged() {
    let directory = directory(&[("etc/bots.toml", GOOD)]);
    symlink("etc/bots.toml", directory.path().join("one.toml")).unwrap();
    symlink(directory.path().join("one.toml"), directory.path().join("two.toml")).unwrap();
    assert_eq!(names(&Config::read(directory.path().join("two.toml")).unwrap()), ["web"]);
    set_mode(&directory.path().join("etc/bots.toml"), 0o666);
    assert!(refused(&directory, "two.toml").contains("others than its owner can write it"));
    symlink("round.toml", directory.path().join("round.toml")).unwrap();
    assert_eq!(refused(&directory, "round.toml"), "DIR/round.toml: failed to read it: too many symbolic links");
}

/// Promise 6.05.
#[test]
fn what_is_no_readable_file_is_refused_and_nobody_waits() {
    let directory = directory(&[("bots.toml", GOOD), ("empty.toml", ""), ("inner/x.toml", GOOD)]);
    nix::unistd::mkfifo(&directory.path().join("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    write(&directory.path().join("latin.toml"), b"# One\n# caf\xe9\n[bot.web]\n");
    File::create(directory.path().join("huge.toml")).unwrap().set_len(1 << 30).unwrap();
    set_mode(&directory.path().join("huge.toml"), 0o644);
    let large = format!("{GOOD}#{}\n", "x".repeat(1 << 20));
    write(&directory.path().join("large.toml"), large.as_bytes());
    let cases = [
        (
            "missing.toml",
            "DIR/missing.toml: failed to read it: no such file or directory: `daemonctl init` writes a new one",
        ),
        ("inner", "DIR/inner: failed to read it: it is a directory: write the path of a file"),
        ("fifo", "DIR/fifo: failed to read it: it is not a regular file"),
        ("empty.toml", "DIR/empty.toml: it is empty: write `[bot.NAME]` or at least `[monitor]`"),
        ("latin.toml", "DIR/latin.toml:2:6: this is not UTF-8: write the file in UTF-8"),
        ("huge.toml", "DIR/huge.toml: failed to read it: it is larger than 1 MiB: split it"),
        ("large.toml", "DIR/large.toml: failed to read it: it is larger than 1 MiB: split it"),
    ];
    for (name, expected) in cases {
        assert_eq!(refused(&directory, name), expected);
    }
    let nowhere = refused(&directory, "bots.toml/x.toml");
    assert!(nowhere.contains("it is not a directory") || nowhere.contains("not a directory"), "{nowhere}");
}

/// Promise 6.05. A file of /proc says that it is empty and is not, as one that is being written.
#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let mistakes = Config::read("/proc/version").unwrap_err().to_string();
    assert_eq!(
        mistakes,
        "/proc/version: failed to read it: it was written while it was read: try again when it is finished"
    );
}

/// Promise 6.05. Wherever it was cut, it is refused or means less, and never something else.
#[test]
fn a_file_that_was_cut_off_is_refused_or_means_less() {
    let text = "[monitor]\nname = \"m\"\n[bot.web]\ncommand = \"/bin/true\"\nargs = [\"a\", \"b\"]\n[bot.db]\ncommand = \"/bin/db\"\n";
    let whole = Config::parse("/x.toml", text, &|_| None).unwrap();
    let mut refused = 0;
    for end in 0..text.len() {
        match Config::parse("/x.toml", &text[..end], &|_| None) {
            Err(_) => refused += 1,
            Ok(cut) => {
                for bot in cut.bots {
                    let full = whole.bots.iter().find(|full| full.name == bot.name).expect("a bot of the whole file");
                    assert_eq!(bot.command, full.command, "cut at {end}");
                }
            }
        }
    }
    assert!(refused > text.len() / 2, "{refused} of {}", text.len());
}

#[test]
fn includes_are_read_in_order_from_their_own_directories() {
    let main = "include = [\"bots.d/*.toml\", \"$EXTRA\"]\n[bot.first]\ncommand = \"/bin/true\"\n";
    let directory = directory(&[
        ("bots.toml", main),
        ("bots.d/b.toml", "[bot.b]\ncommand = \"./b\"\n"),
        ("bots.d/a.toml", "include = [\"deeper/x.toml\"]\n[bot.a]\ncommand = \"/bin/true\"\ndepends_on = [\"x\"]\n"),
        ("bots.d/.hidden.toml", "this is an editor's"),
        ("bots.d/notes.txt", "this is for people"),
        ("bots.d/deeper/x.toml", "[bot.x]\ncommand = \"/bin/true\"\n"),
    ]);
    // Two patterns may mean one file.
    let variables = |name: &str| (name == "EXTRA").then(|| "bots.d/b.toml".to_owned());
    let config = Config::read_with(&directory.path().join("bots.toml"), &variables).unwrap();
    assert_eq!(names(&config), ["first", "a", "x", "b"]);
    assert_eq!(config.bots[3].command, directory.path().join("bots.d/./b"));
    let files: Vec<PathBuf> = ["bots.toml", "bots.d/a.toml", "bots.d/deeper/x.toml", "bots.d/b.toml"]
        .map(|name| directory.path().join(name))
        .into();
    assert_eq!(config.files, files);
}

#[test]
fn what_can_be_wrong_with_an_include() {
    let directory = directory(&[
        ("circle.toml", "include = [\"half.toml\"]\n"),
        ("half.toml", "include = [\"circle.toml\"]\n"),
        ("self.toml", "include = [\"sel*.toml\"]\n"),
        ("unsafe.toml", "include = [\"open/*.toml\"]\n"),
        ("open/x.toml", GOOD),
        ("twice.toml", "include = [\"again.toml\"]\n[bot.web]\ncommand = \"/bin/true\"\n"),
        ("again.toml", "\n[bot.web]\ncommand = \"/bin/true\"\n"),
        ("master.toml", "include = [\"servant.toml\"]\n"),
        ("servant.toml", "[monitor]\nname = \"servant\"\n"),
        ("broken.toml", "include = [\"wrong/*.toml\"]\n[bot.web]\ncommand = 1\n"),
        ("wrong/a.toml", "[bot.a]\ncommand = 2\n"),
        ("wrong/b.toml", "[bot.b"),
    ]);
    set_mode(&directory.path().join("open/x.toml"), 0o666);
    let cases = [
        (
            "circle.toml",
            "DIR/half.toml:1:12: `include`: it goes in a circle: `DIR/circle.toml` includes `DIR/half.toml`, which includes `DIR/circle.toml`",
        ),
        ("self.toml", "DIR/self.toml:1:12: `include`: it goes in a circle: `DIR/self.toml` includes `DIR/self.toml`"),
        (
            "unsafe.toml",
            "DIR/unsafe.toml:1:12: failed to read `DIR/open/x.toml`: others than its owner can write it (mode 0666), and have any \
             program run: `chmod go-w` it",
        ),
        (
            "twice.toml",
            "DIR/again.toml:2:6: bot `web` is there already, at DIR/twice.toml:2:6: give this one another name",
        ),
        (
            "master.toml",
            "DIR/servant.toml:1:2: `monitor`: an included file cannot say this: write it in the first file",
        ),
        (
            "broken.toml",
            "DIR/broken.toml:3:11: `command`: expected a string, such as \"1\", found an integer\n\
             DIR/wrong/a.toml:2:11: `command`: expected a string, such as \"2\", found an integer\n\
             DIR/wrong/b.toml:1:7: unclosed table, expected `]`",
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(refused(&directory, name), expected);
    }
}

#[test]
fn files_are_not_included_without_end() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..30 {
        let text = format!("include = [\"{}.toml\"]\n", number + 1);
        write(&directory.path().join(format!("{number}.toml")), text.as_bytes());
    }
    let wrong = refused(&directory, "0.toml");
    assert_eq!(wrong, "DIR/15.toml:1:12: `include`: files are included 16 deep: include them further out");
}

/// Promise 6.45.
#[test]
fn log_or_directory_that_cannot_be_used_is_a_warning() {
    let directory = directory(&[]);
    std::os::unix::fs::symlink("x.log", directory.path().join("link.log")).unwrap();
    nix::unistd::mkfifo(&directory.path().join("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    let text = "[monitor]\nlog = \"./fifo\"\n[bot.web]\ncommand = \"/bin/true\"\nstdout = \"./link.log\"\nstderr = \"./new.log\"\ncwd = \"gone\"\n";
    write(&directory.path().join("bots.toml"), text.as_bytes());
    let warnings = crate::config::check(&directory.path().join("bots.toml")).unwrap().warnings;
    let warnings: Vec<&str> =
        warnings.iter().map(|warning| &*warning.text).filter(|text| !text.contains("`command`")).collect();
    let told = warnings.join("\n").replace(directory.path().to_str().unwrap(), "DIR");
    let instead = "what is written there would be lost: write the path of a file, \"inherit\" or \"null\"";
    assert_eq!(
        told,
        format!(
            "`log`: `DIR/./fifo` is not a regular file: {instead}\nbot `web`: `cwd`: `DIR/gone` cannot be entered now: no such file \
             or directory\nbot `web`: `stdout`: `DIR/./link.log` is a symbolic link: {instead}"
        )
    );
}

/// Promise 6.43.
#[test]
fn pattern_that_matches_nothing_in_a_directory_is_not_a_mistake() {
    let directory = directory(&[("bots.toml", &format!("include = [\"*.bot\", \"bots.d/*.toml\"]\n{GOOD}"))]);
    assert!(
        refused(&directory, "bots.toml").contains("failed to look through `DIR/bots.d`: no such file or directory")
    );
    fs::create_dir(directory.path().join("bots.d")).unwrap();
    assert_eq!(names(&Config::read(directory.path().join("bots.toml")).unwrap()), ["web"]);
}
