//! Services of an image: written, found again, and removed without a trace.

use super::Image;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const UNIT: &str = "etc/systemd/system/servicelab.service";
const LINK: &str = "etc/systemd/system/multi-user.target.wants/servicelab.service";

#[test]
fn install_writes_one_unit_and_its_link_and_uninstall_leaves_nothing() {
    let image = Image::new();
    let install = &["--run-as", "daemon", "--", "--port", "80"];
    image.service("install", install).ok().prints(&["installed ", UNIT]);
    assert_eq!(image.files(), [LINK, UNIT]);
    let mode = image.path(UNIT).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
    let unit = image.unit();
    assert!(unit.contains("\nExecStart=/usr/local/bin/servicelab run --run-as daemon --port 80\n"), "{unit}");
    assert!(unit.contains("\nUser=daemon\n") && unit.contains("\nMemoryDenyWriteExecute=yes\n"), "{unit}");
    image.service("install", install).ok().prints(&["unchanged"]);
    assert_eq!(image.unit(), unit);
    image.service("uninstall", &[]).ok().prints(&["removed", "/var/log/servicelab", "stay"]);
    assert_eq!(image.files(), [""; 0]);
    image.service("uninstall", &[]).ok().prints(&["no service is installed"]);
}

#[test]
fn changed_installation_replaces_the_unit_and_umask_does_not_matter() {
    let image = Image::new();
    image.service("install", &["--", "--port", "80"]).ok();
    let program = image.path("usr/local/bin/servicelab");
    let script = "umask 077; exec \"$0\" \"$@\"";
    let run = image.lab.command("sh", &["-c", script]).arg(&program);
    let run = run.args(["service", "install", "--manager", "systemd", "--root"]).arg(&image.root);
    run.args(["--", "--port", "81"]).run().ok().prints(&["installed "]);
    assert!(image.unit().contains("run --port 81\n"), "{}", image.unit());
    assert_eq!(image.path(UNIT).metadata().unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(image.files(), [LINK, UNIT]);
}

#[test]
fn instance_has_a_unit_of_its_own() {
    let image = Image::new();
    image.service("install", &[]).ok();
    image.service("install", &["--name", "blue"]).ok();
    let blue = fs::read_to_string(image.path("etc/systemd/system/servicelab@blue.service")).unwrap();
    assert!(blue.contains("\nExecStart=/usr/local/bin/servicelab run --name blue\n"), "{blue}");
    assert!(blue.contains("\nExecReload=/usr/local/bin/servicelab reload --name blue\n"), "{blue}");
    assert!(blue.contains("\nRuntimeDirectory=servicelab@blue\n"), "{blue}");
    image.service("uninstall", &[]).ok();
    assert!(image.files().iter().all(|file| file.contains("servicelab@blue.service")), "{:?}", image.files());
    assert_eq!(image.files().len(), 2);
}

#[test]
fn status_tells_installed_edited_and_outdated_services_apart() {
    let image = Image::new();
    image.service("status", &[]).exits(4).prints(&["no service is installed"]);
    image.service("status", &["--json"]).exits(4).prints(&["\"installed\":false"]);
    image.service("install", &["--", "--port", "80", "a b"]).ok();
    let status = image.service("status", &["--json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&json["enabled"], &json["differs"]), (&"enabled".into(), &false.into()), "{json}");
    assert_eq!((&json["manager"], &json["program_problem"]), (&"systemd".into(), &serde_json::Value::Null), "{json}");
    assert_eq!(json["command"][9], "a b", "{json}");
    // As written by another version of the library: the header is right for the text.
    image.service("install", &["--hardening", "off", "--", "--port", "80"]).ok();
    let unit = image.unit().replace("--hardening off", "--hardening strict");
    fs::write(image.path(UNIT), unit).unwrap();
    image.service("status", &[]).ok().says(&["would install other files now"]);
    fs::write(image.path(UNIT), image.unit() + "Nice=5\n").unwrap();
    image.service("status", &[]).ok().says(&["was edited"]);
    fs::remove_file(image.path("usr/local/bin/servicelab")).unwrap();
    let status = image.lab.helper(&["service", "status", "--manager", "systemd", "--root"]).arg(&image.root).run();
    status.ok().says(&["failed to find the program"]);
}

#[test]
fn wrong_arguments_of_the_daemon_are_refused_by_its_parser_and_nothing_is_written() {
    let image = Image::new();
    for (arguments, text) in [
        (&["--", "--port", "eighty"][..], "invalid value 'eighty'"),
        (&["--", "--prt", "80"], "'--prt'"),
        (&["--", "--write", "/tmp/a\nb"], "control character"),
        (&["--user", "--run-as", "daemon"], "--system"),
        (&["--linger"], "--user"),
        (&["--environment-file", "/etc/missing.env"], "install -m 600"),
    ] {
        let outcome = image.service("install", arguments);
        assert_ne!(outcome.code(), 0, "{arguments:?}: {outcome}");
        outcome.says(&[text]);
        assert_eq!(image.files(), [""; 0], "{arguments:?}");
    }
    image.service_of("sysv", "install", &[]).exits(2).says(&["possible values"]);
    image.service_of("launchd", "install", &[]).exits(2).says(&["service show"]);
    image.service_of("openrc", "install", &["--user"]).exits(2);
}

#[test]
fn secrets_and_relative_paths_are_warned_about_and_an_open_environment_file_is_refused() {
    let image = Image::new();
    let secret = image.service("install", &["--", "--token", "hunter2", "http://a:hunter2@b/"]).ok();
    assert!(!secret.stderr.contains("hunter2"), "{secret}");
    secret.says(&["`--token` looks like a secret", "`http://a:…@b`", "--environment-file"]);
    image.lab.write("words.txt", "");
    let program = image.path("usr/local/bin/servicelab");
    let show =
        image.lab.command(&program.to_string_lossy(), &["service", "show", "--manager", "runit", "--", "words.txt"]);
    show.in_directory(image.lab.directory()).run().ok().says(&["`words.txt` is a file of this directory"]);
    let file = image.path("etc/servicelab.env");
    fs::write(&file, "TOKEN=hunter2\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let arguments = &["--environment-file", "/etc/servicelab.env"];
    image.service("install", arguments).exits(2).says(&["mode 0644", "chmod 600"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    image.service("install", arguments).ok();
    assert!(image.unit().contains("\nEnvironmentFile=/etc/servicelab.env\n"));
}

/// Each manager's files, written and removed.
#[test]
fn other_managers_files_are_written_and_removed() {
    let image = Image::new();
    for (manager, files) in [
        ("openrc", &["etc/init.d/servicelab"][..]),
        (
            "s6",
            &[
                "etc/s6/sv/servicelab/finish",
                "etc/s6/sv/servicelab/log/run",
                "etc/s6/sv/servicelab/run",
                "etc/s6/sv/servicelab/timeout-kill",
            ],
        ),
        ("runit", &["etc/sv/servicelab/finish", "etc/sv/servicelab/log/run", "etc/sv/servicelab/run"]),
    ] {
        image.service_of(manager, "install", &["--run-as", "daemon", "--", "--port", "80"]).ok();
        assert_eq!(image.files(), files);
        let main = fs::read_to_string(
            image.path(files.iter().find(|file| !file.contains("/finish") && !file.contains("/log/")).unwrap()),
        );
        assert!(main.unwrap().contains("run --run-as daemon --port 80"), "{manager}");
        image.service_of(manager, "status", &[]).ok().prints(&[manager]);
        image.service_of(manager, "install", &["--run-as", "daemon", "--", "--port", "80"]).ok().prints(&["unchanged"]);
        image.service_of(manager, "uninstall", &[]).ok();
        assert_eq!(image.files(), [""; 0], "{manager}");
    }
    assert!(!image.path("etc/sv/servicelab").exists() && !image.path("etc/s6/sv/servicelab").exists());
}

#[test]
fn pidfile_of_the_service_is_passed_to_reload_unless_it_is_in_the_home_of_the_caller() {
    let image = Image::new();
    let shown = image.service("show", &["--run-as", "daemon", "--", "--place", "/srv/x.pid"]).ok();
    shown.prints(&["reload --pidfile /srv/x.pid\n", "ReadWritePaths=-/srv\n"]);
    let shown = image.service("show", &["--run-as", "daemon", "--", "--place", "/root/x.pid"]).ok();
    shown.prints(&["servicelab reload\n"]).says(&["`/root/x.pid` is in the home directory of this user"]);
}
