//! A process sets the variable by which a new process finds its link.

use crate::common::{lab, nothing_left};

/// Promise 12.05. Neither closed nor read: the program may have inherited them for itself.
#[test]
fn descriptor_that_is_not_a_link_of_the_parent_is_left_alone() {
    for way in ["pipe", "closed", "stream", "other-socket", "grandparent", "number", "empty"] {
        let outcome = lab().run(&["exec", "hostile", way]).ok();
        outcome.prints(&["main of", "got \"for main\" and socket:[", "child 0"]);
    }
}

#[test]
fn request_that_is_not_one_ends_the_new_process() {
    let ways =
        ["closes", "noise", "no-file", "endless-file", "unsealed", "garbage", "long-header", "huge", "many-files"];
    for way in ways {
        let lab = lab();
        let outcome = lab.run(&["exec", "hostile", way]).ok();
        assert!(!outcome.stdout.contains("main of"), "{way}: it runs `main`: {outcome}");
        outcome.prints(&["child 2"]);
        nothing_left(&lab);
    }
}

/// A new process that cannot verify its link runs `main`, which must not start the next one.
#[test]
fn process_whose_link_is_not_believed_starts_no_daemon() {
    let lab = lab();
    let run = lab.helper(&["exec", "main", "start"]).env("DAEMONIC_EXEC", "3 1");
    run.run().exits(2).says(&["the variable `DAEMONIC_EXEC` was set when this process began", "unset it"]);
    nothing_left(&lab);
}
