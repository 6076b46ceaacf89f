//! Settings that a start refuses, before it leaves anything behind.

use crate::plain_client::new_lab;

#[test]
fn settings_that_cannot_work_are_refused_with_the_fix() {
    for (idle, option, advice) in [
        ("0", "", "`on_demand` is zero: use a time such as `10m`"),
        ("1000", "max_queued=0", "`max_queued` is zero"),
        ("1000", "no_pidfile", "needs a pidfile"),
        ("1000", &format!("constraint={}", "x".repeat(129)), "`constraint` has 129 bytes"),
        ("1000", "twice", "set twice"),
    ] {
        let lab = new_lab();
        let options: &[&str] = if option.is_empty() { &[] } else { &[option] };
        let outcome = lab.run(&[&["server", "start", "echo", idle], options].concat());
        assert!(outcome.code() != 0 && outcome.stderr.contains(advice), "{option}: {}", outcome.stderr);
        assert!(!lab.path("agent.pid").exists(), "{option}");
    }
}
