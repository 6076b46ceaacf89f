//! The examples, each launched twice as a user would launch them.

use std::fs;
use std::path::Path;

use look::{Lab, Outcome, Process, Running};
use nix::sys::signal::Signal;

use crate::instance_helpers::{EVENT_TIMEOUT, needs_root};

/// Returns where the examples are, after building them where `scripts/test` has not.
pub(crate) fn programs() -> &'static Path {
    // Together with the tests, whose crates are built already, with the same features.
    look::programs(env!("CARGO_BIN_EXE_single-instance"), &["daemonic-control-examples", "daemonic-control-tests"])
}

/// A lab with a home of its own for root, whose programs the examples are.
fn lab(example: &str) -> Lab {
    needs_root();
    let lab = Lab::new(programs().join(example));
    lab.make_test_users();
    lab
}

/// The first launch, once its pidfile says where it is.
fn first<'lab>(lab: &'lab Lab, arguments: &[&str], pidfile: &str) -> (Running<'lab>, Process) {
    fs::create_dir_all(lab.path(pidfile).parent().expect("a directory")).expect("a directory of ours");
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700);
    fs::set_permissions(lab.path(pidfile).parent().expect("a directory"), mode).expect("a mode");
    let running = lab.as_user(0, arguments).spawn();
    lab.wait_for(pidfile, EVENT_TIMEOUT, |text| text.lines().count() >= 3);
    let process = running.process();
    crate::instance_helpers::wait_for_state(process, 'S');
    (running, process)
}

fn end((running, process): (Running<'_>, Process)) -> Outcome {
    process.signal(Signal::SIGINT);
    running.finish()
}

#[test]
fn simple_second_launch_is_greeted() {
    let lab = lab("simple");
    let first = first(&lab, &[], "root/.local/share/simple/.pid");
    let second = lab.as_user(0, &[]).run().ok();
    assert_eq!(second.stdout, "{\"success\":true,\"message\":\"Hello there!\"}\n");
    let said = end(first).ok();
    assert!(said.stdout.starts_with("the first one, at unix://"), "{said}");
    assert!(said.stdout.ends_with(&format!("hello, process {}\n", second.pid)), "{said}");
}

#[test]
fn advanced_count_is_kept_over_a_restart() {
    let lab = lab("advanced");
    for (begins, ends) in [(0, 2), (2, 4)] {
        let first = first(&lab, &["kept"], "kept/.pid");
        let second = lab.as_user(0, &["kept"]).run().ok().stdout;
        let expected = format!(
            "get /count -> {{\"success\":true,\"value\":{begins}}}\nincrement -> {{\"success\":true,\"value\":{}}}\n\
             increment by 2 -> {{\"success\":true,\"value\":{}}}\ndecrement by 1 -> {{\"success\":true,\"value\":{ends}}}\n",
            begins + 1,
            begins + 3
        );
        assert_eq!(second, expected);
        end(first).ok().prints(&[&format!("count is {begins}, at "), &format!("count was {ends}")]);
        assert_eq!(lab.read("kept/count"), format!("{ends}\n"));
    }
}

/// The attribute: the function runs in the first launch, and later ones hand over their arguments and their directory.
#[test]
fn open_file_later_launches_open_in_the_first() {
    let lab = lab("open_file");
    lab.write("one.txt", "1\n2\n");
    fs::create_dir(lab.path("below")).expect("a directory");
    lab.write("below/two.txt", "1\n");
    let first = first(&lab, &["one.txt"], "root/.local/share/open_file/.pid");
    let second = lab.as_user(0, &["two.txt", "no such file"]).in_directory(lab.path("below")).run().ok();
    assert_eq!(second.stdout, "2 opened\n");
    let said = end(first).ok().stdout;
    let two = lab.path("below/two.txt");
    assert!(said.contains("one.txt: 2 lines\n"), "{said}");
    assert!(
        said.contains(&format!("{}: 1 lines\n", two.display())) && said.contains("no such file: No such file"),
        "{said}"
    );
}
