//! Files that the program has not written, and files that were edited: never overwritten, never removed.

use super::{Image, NOBODY};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

const UNIT: &str = "etc/systemd/system/servicelab.service";

/// Promise 11.10.
#[test]
fn foreign_unit_is_neither_replaced_nor_removed() {
    let image = Image::new();
    for text in
        ["", "[Service]\nExecStart=/bin/true\n", "# Written by other 1: x\n# daemonic-service-1 service=other hash=0\n"]
    {
        fs::write(image.path(UNIT), text).unwrap();
        image.service("install", &[]).exits(2).says(&["refusing to touch", "has not written it", "--name"]);
        image.service("uninstall", &[]).exits(2).says(&["refusing to touch"]);
        assert_eq!(image.unit(), text);
        assert_eq!(image.files(), [UNIT]);
    }
}

/// Promise 11.10.
#[test]
fn planted_links_are_not_followed() {
    let image = Image::new();
    let victim = image.path("etc/passwd");
    fs::write(&victim, "root\n").unwrap();
    symlink("/etc/passwd", image.path(UNIT)).unwrap();
    image.service("install", &[]).exits(2).says(&["symbolic link"]);
    fs::remove_file(image.path(UNIT)).unwrap();
    symlink(&victim, image.path(UNIT)).unwrap();
    image.service("install", &[]).exits(2).says(&["symbolic link"]);
    image.service("uninstall", &[]).exits(2).says(&["symbolic link"]);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "root\n");
    fs::remove_file(image.path(UNIT)).unwrap();
    // A masked unit.
    symlink("/dev/null", image.path(UNIT)).unwrap();
    image.service("install", &[]).exits(2);
    assert_eq!(fs::read_link(image.path(UNIT)).unwrap().to_str(), Some("/dev/null"));
}

#[test]
fn directory_of_another_user_is_refused() {
    let image = Image::new();
    let units = image.path("etc/systemd/system");
    chown(&units, Some(NOBODY), None).unwrap();
    image.service("install", &[]).exits(2).says(&["etc/systemd/system", "belongs to"]);
    chown(&units, Some(0), None).unwrap();
    fs::set_permissions(&units, fs::Permissions::from_mode(0o777)).unwrap();
    image.service("install", &[]).exits(2).says(&["others than its owner can write it"]);
    assert_eq!(image.files(), [""; 0]);
}

/// Promise 11.10.
#[test]
fn edited_unit_is_not_replaced_and_is_kept_by_a_removal() {
    let image = Image::new();
    image.service("install", &[]).ok();
    let edited = image.unit().replace("RestartSec=2s", "RestartSec=9s");
    fs::write(image.path(UNIT), &edited).unwrap();
    image.service("install", &["--", "--port", "81"]).exits(2).says(&["was edited", "systemctl edit"]);
    assert_eq!(image.unit(), edited);
    image.service("uninstall", &[]).ok().prints(&["servicelab.service.old"]);
    let old = format!("{UNIT}.old");
    assert_eq!(image.files(), [&*old]);
    assert_eq!(fs::read_to_string(image.path(&old)).unwrap(), edited);
}

#[test]
fn unit_of_a_package_is_not_hidden() {
    let image = Image::new();
    image.directory("usr/lib/systemd/system", 0, 0o755);
    fs::write(image.path("usr/lib/systemd/system/servicelab.service"), "[Service]\n").unwrap();
    image.service("install", &[]).exits(2).says(&["a package has installed a unit of this name"]);
    assert_eq!(image.files(), ["usr/lib/systemd/system/servicelab.service"]);
}

#[test]
fn foreign_file_in_a_service_directory_stops_the_installation_and_survives_a_removal() {
    let image = Image::new();
    image.directory("etc/sv/servicelab/log", 0, 0o755);
    let log = image.path("etc/sv/servicelab/log/run");
    for text in ["#!/bin/sh\n", "#!/bin/sh\n# Written by other 1: x\n# daemonic-service-1 service=other hash=0\n"] {
        fs::write(&log, text).unwrap();
        image.service_of("runit", "install", &[]).exits(2).says(&["log/run", "has not written it"]);
        assert_eq!(image.files(), ["etc/sv/servicelab/log/run"]);
        assert_eq!(fs::read_to_string(&log).unwrap(), text);
    }
    fs::remove_file(&log).unwrap();
    image.service_of("runit", "install", &[]).ok();
    fs::write(image.path("etc/sv/servicelab/notes"), "mine").unwrap();
    image.service_of("runit", "uninstall", &[]).ok().prints(&["has other files, and stays"]);
    assert_eq!(image.files(), ["etc/sv/servicelab/notes"]);
}

/// Promise 11.10. A failure in the middle: the directory of one file is not writable.
#[test]
fn failed_installation_leaves_nothing() {
    let image = Image::new();
    fs::create_dir_all(image.path("etc/sv/servicelab")).unwrap();
    // The logger's file is written before; a directory is where `finish` should be.
    fs::create_dir(image.path("etc/sv/servicelab/finish")).unwrap();
    image.service_of("runit", "install", &[]).exits(2).says(&["finish", "it is a directory"]);
    assert_eq!(image.files(), [""; 0]);
    assert!(image.path("etc/sv/servicelab/finish").is_dir() && !image.path("etc/sv/servicelab/log").exists());
}

/// An image that was unpacked as root may hold links of its maker.
#[test]
fn link_out_of_the_image_is_not_followed() {
    let image = Image::new();
    let outside = image.lab.path("outside");
    fs::create_dir_all(outside.join("systemd/system")).unwrap();
    fs::remove_dir_all(image.path("etc")).unwrap();
    symlink(&outside, image.path("etc")).unwrap();
    image.service("install", &[]).exits(2).says(&["image/etc`", "lead out of the image"]);
    assert_eq!(fs::read_dir(outside.join("systemd/system")).unwrap().count(), 0);
}
