//! Launches by exec from the tests of a crate, whose `main` belongs to the test harness.

use crate::launcher;
use crate::link::Link;

/// Runs the launcher, if this process was executed for that. Called by the hidden test of `test_support!`.
pub fn launch_in_test() {
    if let Some(link) = Link::take() {
        launcher::run(&link)
    }
}
