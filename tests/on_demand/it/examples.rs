//! The examples `cached` and `cached_async`, used as a user does: in a home of its own, with the default pidfile.

use std::fs;
use std::path::Path;

use look::{Lab, Outcome, Process, Run, USER_WITH_HOME};

use crate::common::EVENT_TIMEOUT;

const EXAMPLES: [&str; 2] = ["cached", "cached_async"];

/// Prints the file that is its last argument, notes that it ran, and exits with the status in the file `status`.
const SHOW: &str = "#!/bin/sh\necho run >>runs\ncat \"$1\"\nexit \"$(cat status)\"\n";

/// Returns the directory of the examples, after building them unless that was done.
fn programs() -> &'static Path {
    look::programs(env!("CARGO_BIN_EXE_on-demand-lab"), &["daemonic-on-demand-examples", "daemonic-on-demand-tests"])
}

/// A user's account with an example in it.
struct Account {
    lab: Lab,
    example: &'static str,
}

impl Account {
    fn new(example: &'static str) -> Account {
        assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
        let mut lab = Lab::new(programs().join(example));
        lab.bring_program();
        lab.make_test_users();
        let account = Account { lab, example };
        let files = format!("printf '%s' '{SHOW}' >show; chmod +x show; echo 0 >status; echo words >text");
        account.shell(&files).run().ok();
        account
    }

    /// Prepares a shell script of the user in the home, with the example in `$D`.
    fn shell(&self, script: &str) -> Run<'_> {
        self.lab.shell_as_user(USER_WITH_HOME, &format!("set -e; cd {}; {script}", self.lab.path("home").display()))
    }

    /// Runs `EXAMPLE ./show text`.
    fn show(&self) -> Outcome {
        self.shell("\"$D\" ./show text").run()
    }

    /// Returns how often the command has run.
    fn runs(&self) -> usize {
        self.lab.read("home/runs").lines().count()
    }

    /// Returns the helper.
    #[track_caller]
    fn helper(&self) -> Process {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
        self.lab.daemon(&format!("home/.local/state/{}@{}.pid", self.example, host.trim_end()))
    }
}

impl Drop for Account {
    /// Ends the helper, which has nothing in its environment by which the lab knows its processes.
    fn drop(&mut self) {
        let _ = self.shell("\"$D\" --stop").run();
    }
}

#[test]
fn output_is_remembered_by_one_helper_until_the_file_changes() {
    for account in EXAMPLES.map(Account::new) {
        assert_eq!(account.show().ok().stdout, "words\n");
        let helper = account.helper();
        assert_eq!(account.show().ok().stdout, "words\n");
        assert_eq!((account.runs(), account.helper().id()), (1, helper.id()), "{}", account.example);
        account.shell("echo other words >text").run().ok();
        assert_eq!(account.show().ok().stdout, "other words\n");
        assert_eq!((account.runs(), account.helper().id()), (2, helper.id()), "{}", account.example);
    }
}

#[test]
fn failure_is_passed_on_and_not_remembered() {
    for account in EXAMPLES.map(Account::new) {
        account.shell("echo 7 >status").run().ok();
        for runs in [1, 2] {
            assert_eq!(account.show().exits(7).stdout, "words\n");
            assert_eq!(account.runs(), runs, "{}", account.example);
        }
        account.shell("\"$D\" ./missing").run().exits(1).says(&["failed to run `./missing`"]);
    }
}

#[test]
fn stop_ends_the_helper_and_what_it_remembers() {
    for account in EXAMPLES.map(Account::new) {
        account.show().ok();
        let helper = account.helper();
        account.shell("\"$D\" --status").run().ok().prints(&["running", &helper.id().to_string()]);
        account.shell("\"$D\" --stop").run().ok().prints(&["stopped", &helper.id().to_string()]);
        helper.died(EVENT_TIMEOUT).expect("it ends");
        account.shell("\"$D\" --stop").run().ok().prints(&["not running"]);
        account.show().ok();
        assert_eq!(account.runs(), 2, "{}", account.example);
        assert_ne!(account.helper().id(), helper.id());
    }
}
