//! The verb `run`.

use super::record::record;
use crate::exit_status::{Failed, VerbResult};
use crate::options::StartOptions;
use crate::start_record::FoundRecord;
use crate::target::{LaunchWay, Subject};
use daemonize_core::status::State;
use nix::unistd::geteuid;
use std::ffi::OsString;

/// Runs the daemon in this process, which ends with it.
pub(super) fn run(subject: &Subject<'_>, options: &StartOptions, arguments: &[OsString]) -> VerbResult {
    let daemon = subject.daemon(arguments)?;
    let name = subject.daemon_name(options.target.instance.as_ref());
    let (user, earlier) = (geteuid(), FoundRecord::read(&name));
    // Not over the record of a daemon that runs: this start will fail.
    if daemon.status().is_ok_and(|status| !matches!(status.state, State::Running | State::Starting)) {
        // Under a service manager the state directory may be read-only.
        let _ = record(&name, &daemon, arguments);
    }
    let launched = subject.target.launch(daemon, arguments, &LaunchWay::Foreground);
    // This process goes on only if it could not become the daemon: a restart is to use the arguments of the last start that succeeded,
    // unless there was another one meanwhile. A process that has changed its user already would write to the files of that user.
    if geteuid() == user {
        if let (FoundRecord::Found(earlier), FoundRecord::Found(last)) = (earlier, FoundRecord::read(&name)) {
            if last.arguments == arguments {
                let _ = earlier.write(&name);
            }
        }
    }
    launched?;
    Err(Failed::to("run", name, "the foreground process returned"))
}
