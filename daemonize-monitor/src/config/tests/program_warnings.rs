//! Programs that another user could replace, in real directories.

use super::config;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use tempfile::TempDir;

const NOBODY: u32 = 65_534;

/// `DIR/bin/tool`, which only root can replace.
fn tool() -> TempDir {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("bin")).unwrap();
    fs::copy("/bin/true", directory.path().join("bin/tool")).unwrap();
    set_mode(directory.path(), 0o755);
    set_mode(&directory.path().join("bin"), 0o755);
    set_mode(&directory.path().join("bin/tool"), 0o755);
    directory
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Returns the warnings about a bot with this program and these settings, with `DIR` for the directory's name.
fn warned(directory: &TempDir, program: &str, settings: &str) -> String {
    let place = directory.path().to_str().unwrap();
    let text = format!("[bot.web]\ncommand = \"{place}/{program}\"\n{settings}\n");
    let warnings: Vec<String> = config(&text).warnings.iter().map(ToString::to_string).collect();
    warnings.join("\n").replace(place, "DIR")
}

/// Promise 6.26.
#[test]
fn program_of_root_that_another_user_could_replace_is_warned_of() {
    type Change = fn(&Path);
    let changes: [(Change, &str); 6] = [
        (|top| chown(top.join("bin/tool"), Some(NOBODY), None).unwrap(), "it belongs to uid 65534: `chown` it"),
        (
            |top| set_mode(&top.join("bin/tool"), 0o775),
            "others than its owner can write it (mode 0775): `chmod go-w` it",
        ),
        (|top| chown(top.join("bin"), Some(NOBODY), None).unwrap(), "`DIR/bin`: it belongs to user `nobody`"),
        (|top| set_mode(&top.join("bin"), 0o777), "`DIR/bin`: others than its owner can write it (mode 0777)"),
        (|top| chown(top, Some(NOBODY), None).unwrap(), "`DIR`: it belongs to user `nobody`"),
        (|top| set_mode(top, 0o775), "`DIR`: others than its owner can write it (mode 0775)"),
    ];
    for (change, why) in changes {
        let directory = tool();
        symlink("bin/tool", directory.path().join("link")).unwrap();
        for program in ["bin/tool", "link"] {
            assert_eq!(warned(&directory, program, ""), "");
        }
        change(directory.path());
        for program in ["bin/tool", "link"] {
            let warned = warned(&directory, program, "user = \"root\"");
            let expected = format!(
                "/etc/bots.toml:2:11: `command`: `DIR/{program}` runs as root, but is not protected from other users: "
            );
            assert!(warned.starts_with(&expected) && warned.contains(why), "{warned}");
        }
        // Another user gains nothing from what it could be made to run.
        assert_eq!(warned(&directory, "bin/tool", "user = \"nobody\""), "");
    }
}

/// Promise 6.26.
#[test]
fn program_of_root_behind_a_link_of_another_user_is_warned_of() {
    let directory = tool();
    let link = directory.path().join("link");
    symlink("bin/tool", &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(NOBODY), None).unwrap();
    let warned = warned(&directory, "link", "");
    assert!(warned.ends_with("it is a symbolic link of uid 65534: write the path of the file itself"), "{warned}");
}
