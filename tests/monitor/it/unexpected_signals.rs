//! Signals without a meaning for a monitor, which would end most programs.

use look::Process;
use nix::sys::signal::Signal;

use crate::cli_lab::CliLab;
use crate::common::{EVENT_TIMEOUT, lab, ping, process, start_program, write_bots};

const ONE: &str = "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n";

/// The realtime signal with which podman and containers of systemd are stopped.
const RTMIN_3: i32 = 37;

/// Promise 6.49.
#[test]
fn unexpected_signal_is_ignored_and_logged_with_its_sender() {
    let cli = CliLab::new(ONE);
    let monitor = cli.start();
    let pid = cli.pid("web");
    let sender = std::process::id();
    monitor.signal(Signal::SIGUSR1);
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| {
        log.contains(&format!("ignored SIGUSR1 from process {sender} of user "))
    });
    let all = [
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGPIPE,
        Signal::SIGIO,
        Signal::SIGVTALRM,
        Signal::SIGPROF,
        Signal::SIGXCPU,
        Signal::SIGXFSZ,
        Signal::SIGSTKFLT,
        Signal::SIGPWR,
    ];
    for signal in all.into_iter().chain([Signal::SIGUSR1; 100]) {
        monitor.signal(signal);
    }
    cli.lab.shell(&format!("kill -{RTMIN_3} {0}; kill -64 {0}", monitor.id())).run().ok();
    // The monitor answers after it has handled the signals, and no process has ended.
    assert_eq!((cli.pid("web"), cli.monitor().id()), (pid, monitor.id()));
    assert!(monitor.alive());
    let told = cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("SIGRTMIN+3"));
    assert!(told.matches("ignored").count() < 20, "each is logged: {told}");
    // Programs that the monitor starts have the default actions, and no blocked or ignored signal.
    let web = Process::new(pid);
    for set in ["SigIgn", "SigBlk", "SigCgt"] {
        assert!(!web.signals(set).contains(&(Signal::SIGUSR1 as i32)) && !web.signals(set).contains(&RTMIN_3), "{set}");
    }
    cli.shutdown();
}

/// Promise 6.49.
#[test]
fn unexpected_signal_before_the_end_is_logged() {
    let cli = CliLab::new(ONE);
    let monitor = cli.start();
    monitor.signal(Signal::SIGUSR1);
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("ignored SIGUSR1"));
    // Its turn would come after 10 s.
    monitor.signal(Signal::SIGUSR2);
    cli.shutdown();
    assert!(cli.lab.read("m.log").contains("ignored SIGUSR2"), "{}", cli.lab.read("m.log"));
}

/// Promise 6.49. A program that contains a monitor decides about its own signals.
#[test]
fn signal_handled_by_the_program_is_left_alone() {
    let lab = lab();
    write_bots(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    let monitor = start_program(&lab, &["own-signals"]);
    let bot = process(&lab, "web");
    monitor.signal(Signal::SIGUSR1);
    lab.wait_for("handled", EVENT_TIMEOUT, |log| log.contains("handled SIGUSR1"));
    monitor.signal(Signal::SIGALRM);
    ping(&lab);
    assert!(monitor.alive() && bot.alive());
    monitor.signal(Signal::SIGUSR2);
    lab.quiet(EVENT_TIMEOUT).expect("it ends, and its bot");
}
