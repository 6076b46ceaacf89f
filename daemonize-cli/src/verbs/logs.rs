//! The verb `logs`.

use super::locate::{Located, locate};
use super::log_place::log_files;
use super::other_users;
use crate::exit_status::{Failed, FailureClass, VerbResult};
use crate::log_reader::{Printer, ReadFailure, print_log};
use crate::options::{LineCount, LogsOptions};
use crate::target::Subject;
use daemonize_core::status::State;
use daemonize_service::{Managed, managing, service_of};
use daemonize_sys::error::cause;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

/// Prints the log of the daemon: the journal of its service, or its file.
pub(super) fn logs(subject: &Subject<'_>, options: &LogsOptions) -> VerbResult {
    let located = locate(subject, &options.target);
    let service = service(&located)?;
    if let Some(service) = &service {
        let lines = match options.lines {
            LineCount::Last(lines) => Some(usize::try_from(lines).unwrap_or(usize::MAX)),
            LineCount::All => None,
        };
        if let Some(mut journal) = service.journal(lines, options.follow)? {
            // On success this process is the other program.
            let error = journal.exec();
            return Err(Failed::to("execute", "journalctl", cause(&error)));
        }
    }
    let Some(log) = located.log() else {
        let text = "it has no log: its output is not stored in a file";
        return Err(Failed::to("print the log of", &located.name, text));
    };
    print(&located, &log, options, service.as_ref())
}

fn print(located: &Located, log: &Path, options: &LogsOptions, service: Option<&Managed>) -> VerbResult {
    let printed = log_files(&located.daemon, log).and_then(|files| match files {
        Some(files) => print_log(&files, options.lines, options.follow, &mut Printer::new()),
        None => Ok(false),
    });
    match printed {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => {
            other_users::mention(&located.daemon, &located.name);
            let why = service.map_or("it was not started yet, or stores its output elsewhere".to_owned(), |service| {
                format!("it runs under {}, which passes its output on", service.manager())
            });
            let text = format!("there is no file `{}`: {why}", log.display());
            Err(Failed::to("print the log of", &located.name, text))
        }
        // The reader has seen enough.
        Err(ReadFailure::Print(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(ReadFailure::Print(error)) => Err(Failed::to("print", "the log", cause(&error))),
        Err(ReadFailure::Read(error)) => Err(Failed::to("read", log.display(), cause(&error))),
        Err(ReadFailure::Open(why)) => {
            Err(Failed::new(FailureClass::Rights, format_args!("failed to open the log of `{}`: {why}", located.name)))
        }
    }
}

/// Returns the service whose output is in a journal: that of the running daemon, or the one that is installed.
fn service(located: &Located) -> Result<Option<Managed>, Failed> {
    let status = located.daemon.status()?;
    Ok(match status.pid.filter(|_| status.state == State::Running) {
        Some(pid) => managing(pid)?,
        None => service_of(&located.name)?,
    })
}
