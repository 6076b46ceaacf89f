//! Calls the attachments around the forks: [`Attachment::launching`] before the first one, [`Attachment::launched`] in the launcher.

use super::state::Launch;
use crate::attach::Attachment;
use crate::body::{BodyResult, guarded};
use crate::context::call_attachment;
use crate::error::{Error, ErrorKind, Result};
use std::sync::{Arc, OnceLock};

/// [`begin_attachments`], once a daemon has an attachment: a program without one is linked without the code.
static BEGIN: OnceLock<BeginLaunching> = OnceLock::new();

type BeginLaunching = fn(&Launch) -> (Box<dyn Pending>, Result<()>);

/// Makes [`Launching::begin`] call the attachments.
pub(crate) fn enable_launching() {
    let _ = BEGIN.set(begin_attachments);
}

/// The attachments whose `launching` has succeeded in this process, and whose `launched` is due.
///
/// A drop reports that the start has failed: a panic of a callback or a logger of the user unwinds through the launcher.
#[derive(Default)]
pub(super) struct Launching(Option<Box<dyn Pending>>);

impl Launching {
    /// Calls `launching` of each attachment. After an error, the attachments that were called before are still to be called with it.
    pub(super) fn begin(launch: &Launch) -> (Launching, Result<()>) {
        match BEGIN.get() {
            Some(begin) if !launch.preflight.settings.attachments.is_empty() => {
                let (pending, outcome) = begin(launch);
                (Launching(Some(pending)), outcome)
            }
            _ => (Launching::default(), Ok(())),
        }
    }

    /// Calls `launched` of each attachment. After a failure, to be called when the pidfile is unlocked.
    pub(super) fn end(mut self, outcome: Result<(), &Error>) {
        if let Some(mut pending) = self.0.take() {
            pending.end(outcome);
        }
    }

    /// Calls no attachment: this process is the daemon.
    pub(super) fn forget(mut self) {
        if let Some(mut pending) = self.0.take() {
            pending.forget();
        }
    }
}

/// Attachments that wait for the end of the start.
trait Pending {
    fn end(&mut self, outcome: Result<(), &Error>);
    fn forget(&mut self);
}

struct PendingAttachments(Vec<Arc<dyn Attachment>>);

impl Pending for PendingAttachments {
    fn end(&mut self, outcome: Result<(), &Error>) {
        for attachment in std::mem::take(&mut self.0).iter().rev() {
            call_attachment(|| attachment.launched(outcome.map_err(|error| error as &dyn std::error::Error)));
        }
    }

    fn forget(&mut self) {
        self.0.clear();
    }
}

impl Drop for PendingAttachments {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.end(Err(&Error::new(ErrorKind::System, "failed to start: the start was given up")));
        }
    }
}

fn begin_attachments(launch: &Launch) -> (Box<dyn Pending>, Result<()>) {
    let preflight = &launch.preflight;
    let mut begun = PendingAttachments(Vec::new());
    for attachment in &preflight.settings.attachments {
        // Unblocked, so that Ctrl-C can end an attachment that hangs.
        let ending = launch.block.with_original_mask(|| {
            guarded("it", || match attachment.launching(&preflight.attach_context) {
                Ok(()) => BodyResult::success(),
                Err(error) => BodyResult::failure(format!("{error}")),
            })
        });
        if let Some(error) = ending.error() {
            return (Box::new(begun), Err(Error::system("launch an attachment of the daemon", error)));
        }
        begun.0.push(Arc::clone(attachment));
    }
    (Box::new(begun), Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::Handle;
    use crate::mutex::lock;
    use std::error::Error as StdError;
    use std::panic::catch_unwind;
    use std::sync::Mutex;

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
        let launching = Launching(Some(Box::new(PendingAttachments(["a", "panics", "c"].map(of).into()))));
        let launching = std::panic::AssertUnwindSafe(launching);
        let _ = catch_unwind(move || end({ launching }.0));
        lock(&notes).clone()
    }

    #[test]
    fn attachments_are_called_once_in_reverse_order_also_behind_one_that_panics() {
        assert_eq!(noted(|launching| launching.end(Ok(()))), ["c: success", "panics: success", "a: success"]);
        let error = Error::new(ErrorKind::Died, "failed to fly");
        let failed = noted(move |launching| launching.end(Err(&error)));
        assert_eq!(failed, ["c: failed to fly", "panics: failed to fly", "a: failed to fly"]);
        assert!(noted(Launching::forget).is_empty());
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
