//! Programs that a service manager must not run: those that another user could replace, and those that do not stay.

use super::{Image, NOBODY};
use look::{Lab, USER_WITH_HOME};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

/// Expects that an installation is refused with these texts, and that nothing is written.
#[track_caller]
fn assert_refused(image: &Image, texts: &[&str]) {
    image.service("install", &[]).exits(2).says(texts).says(&["run `sudo ch"]);
    assert_eq!(image.files(), [""; 0]);
}

/// Promise 11.09.
#[test]
fn program_that_another_user_could_replace_is_refused() {
    let image = Image::new();
    let program = image.path("usr/local/bin/servicelab");
    let mode = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for directory in ["usr", "usr/local", "usr/local/bin"].map(|path| image.path(path)) {
        for bits in [0o777, 0o1777, 0o775] {
            mode(&directory, bits);
            assert_refused(&image, &[&directory.to_string_lossy(), "can write it", "as root"]);
        }
        mode(&directory, 0o755);
        chown(&directory, Some(NOBODY), None).unwrap();
        assert_refused(&image, &[&directory.to_string_lossy(), "belongs to user `nobody`"]);
        chown(&directory, Some(0), None).unwrap();
    }
    chown(&program, Some(NOBODY), None).unwrap();
    assert_refused(&image, &["belongs to user `nobody`"]);
    chown(&program, Some(0), None).unwrap();
    mode(&program, 0o757);
    assert_refused(&image, &["mode 0757"]);
    mode(&program, 0o755);
    image.service("install", &[]).ok();
}

#[test]
fn program_in_cargos_target_directory_is_refused() {
    let image = Image::new();
    fs::write(image.path("usr/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n# created by cargo.\n")
        .unwrap();
    image.service("install", &[]).exits(2).says(&["cargo's target directory", "cargo clean"]);
    assert_eq!(image.files(), ["usr/CACHEDIR.TAG"]);
}

#[test]
fn program_outside_of_the_image_is_refused() {
    let image = Image::new();
    let install = image.lab.helper(&["service", "install", "--manager", "systemd", "--root"]).arg(&image.root);
    install.run().exits(2).says(&["install it there first"]);
    assert_eq!(image.files(), [""; 0]);
}

#[test]
fn service_of_the_machine_needs_root_and_one_of_a_user_no_sudo() {
    let mut lab = Lab::new(env!("CARGO_BIN_EXE_servicelab"));
    lab.bring_program();
    lab.make_test_users();
    let system = &["service", "install", "--system", "--manager", "runit"];
    lab.as_user(USER_WITH_HOME, system).run().exits(5).says(&["only root", "`sudo`", "--user"]);
    lab.as_user(USER_WITH_HOME, &["service", "uninstall", "--system"]).run().exits(5).says(&["only root"]);
    for verb in ["install", "uninstall"] {
        let sudo = lab.helper(&["service", verb, "--user", "--manager", "runit"]).env("SUDO_USER", "ada\u{1b}[2J");
        let outcome = sudo.run().exits(5).says(&["`sudo` with `--user`", "`ada\\u{1b}[2J`", "without `sudo`"]);
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome}");
    }
    // The program of the lab is in a temporary directory, where it does not survive.
    let user = &["service", "install", "--user", "--manager", "runit"];
    lab.as_user(USER_WITH_HOME, user).run().exits(2).says(&["does not survive"]);
    assert!(!lab.path("home/.config").exists());
}

#[test]
fn program_that_was_removed_while_it_runs_is_refused() {
    let image = Image::new();
    let program = image.path("usr/local/bin/servicelab");
    let script = "exec 9<\"$0\"; rm \"$0\"; exec /proc/self/fd/9 service install --manager systemd --root \"$1\"";
    let removed = image.lab.command("sh", &["-c", script]).arg(&program).arg(&image.root).run();
    removed.exits(2).says(&["usr/local/bin/servicelab` was removed or replaced while it ran"]);
    assert_eq!(image.files(), [""; 0]);
}
