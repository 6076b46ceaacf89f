//! Calls the attachments around the forks: [`Attachment::launching`] before the first one, [`Attachment::launched`] in the launcher.

use super::double_fork::{DetachResult, call_around_forks};
use super::state::Launch;
use crate::attach::Attachment;
use crate::body::{BodyResult, guarded};
use crate::context::call_attachment;
use crate::error::{Error, ErrorKind, Result};
use crate::mutex::lock;
use std::sync::{Arc, Mutex, OnceLock};

/// Ends the launch in a process that is launcher and daemon, once a daemon has an attachment: a program without one is linked without the
/// code.
static END: OnceLock<fn(Option<&Error>)> = OnceLock::new();

/// The attachments of this process, which is launcher and daemon.
static LAUNCHING: Mutex<Launching> = Mutex::new(Launching(Vec::new()));

/// Makes a launch call the attachments.
pub(crate) fn enable_launching() {
    call_around_forks(detach);
    let _ = END.set(end_in_daemon);
}

/// Ends the launch in a process that is the daemon, or would have been. Without a launcher, the attachments learn of an error.
pub(crate) fn end_without_launcher(error: Option<&Error>) {
    if let Some(end) = END.get() {
        end(error);
    }
}

fn end_in_daemon(error: Option<&Error>) {
    let mut launching = std::mem::take(&mut *lock(&LAUNCHING));
    match error {
        Some(error) => launching.end(Err(error)),
        None => launching.forget(),
    }
}

/// Detaches, and calls the attachments before the first fork and after the end of the start.
fn detach(launch: Launch, exits_after_start: bool) -> Result<DetachResult> {
    let detached = launch.preflight.detached;
    let (mut launching, begun) = Launching::begin(&launch);
    // A failure unlocks the pidfile before the attachments learn of it.
    let outcome = begun.and_then(move |()| launch.fork_or_stay(exits_after_start));
    match &outcome {
        Ok(DetachResult::Launcher(_)) => launching.end(Ok(())),
        Ok(DetachResult::Daemon(_)) if detached => launching.forget(),
        Ok(DetachResult::Daemon(_)) => *lock(&LAUNCHING) = launching,
        Err(error) => launching.end(Err(error)),
    }
    outcome
}

/// The attachments whose `launching` has succeeded in this process, and whose `launched` is due.
///
/// A drop reports that the start has failed: a panic of a callback or a logger of the user unwinds through the launcher.
#[derive(Default)]
struct Launching(Vec<Arc<dyn Attachment>>);

impl Launching {
    /// Calls `launching` of each attachment. After an error, the attachments that were called before are still to be called with it.
    fn begin(launch: &Launch) -> (Launching, Result<()>) {
        let preflight = &launch.preflight;
        let mut begun = Launching::default();
        for attachment in &preflight.settings.attachments {
            // Unblocked, so that Ctrl-C can end an attachment that hangs.
            let ending = launch.block.with_original_mask(|| {
                guarded("it", || match attachment.launching(&preflight.attach_context) {
                    Ok(()) => BodyResult::success(),
                    Err(error) => BodyResult::failure(format!("{error}")),
                })
            });
            if let Some(error) = ending.error() {
                return (begun, Err(Error::system("launch an attachment of the daemon", error)));
            }
            begun.0.push(Arc::clone(attachment));
        }
        (begun, Ok(()))
    }

    /// Calls `launched` of each attachment. After a failure, to be called when the pidfile is unlocked.
    fn end(&mut self, outcome: Result<(), &Error>) {
        for attachment in std::mem::take(&mut self.0).iter().rev() {
            call_attachment(|| attachment.launched(outcome.map_err(|error| error as &dyn std::error::Error)));
        }
    }

    /// Calls no attachment: this process is the daemon.
    fn forget(&mut self) {
        self.0.clear();
    }
}

impl Drop for Launching {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.end(Err(&Error::new(ErrorKind::System, "failed to start: the start was given up")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::Handle;
    use std::error::Error as StdError;
    use std::panic::catch_unwind;

    struct Noting(&'static str, Arc<Mutex<Vec<String>>>);

    impl Attachment for Noting {
        fn start(&self, _: Handle) -> Result<(), Box<dyn StdError>> {
            Ok(())
        }

        fn launched(&self, outcome: Result<(), &dyn StdError>) {
            let outcome = outcome.map_or_else(ToString::to_string, |()| "success".to_owned());
            lock(&self.1).push(format!("{}: {outcome}", self.0));
            assert_ne!(self.0, "panics", "for the others");
        }
    }

    /// Begins with three attachments, lets `end` end them, and returns what they have noted.
    fn noted(end: impl FnOnce(Launching) + std::panic::UnwindSafe) -> Vec<String> {
        let notes = Arc::default();
        let of = |name| Arc::new(Noting(name, Arc::clone(&notes))) as Arc<dyn Attachment>;
        let launching = Launching(["a", "panics", "c"].map(of).into());
        let launching = std::panic::AssertUnwindSafe(launching);
        let _ = catch_unwind(move || end({ launching }.0));
        lock(&notes).clone()
    }

    #[test]
    fn attachments_are_called_once_in_reverse_order_also_behind_one_that_panics() {
        assert_eq!(noted(|mut launching| launching.end(Ok(()))), ["c: success", "panics: success", "a: success"]);
        let error = Error::new(ErrorKind::Died, "failed to fly");
        let failed = noted(move |mut launching| launching.end(Err(&error)));
        assert_eq!(failed, ["c: failed to fly", "panics: failed to fly", "a: failed to fly"]);
        assert!(noted(|mut launching| launching.forget()).is_empty());
    }

    #[test]
    fn panic_that_unwinds_through_the_launcher_is_a_failure_of_the_start() {
        let given_up = noted(|_launching| panic!("in a callback"));
        assert_eq!(given_up.len(), 3);
        assert!(
            given_up.iter().all(|note| note.ends_with(": failed to start: the start was given up")),
            "{given_up:?}"
        );
    }
}
