//! Lookups that may block for ever, each on a thread of its own: users and groups in the name service, and files on mounts that
//! may hang.

use crate::error::cause;
use crate::program::StartError;
use crate::sys::signal_mask::Mask;
use nix::sys::eventfd::EventFd;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// Questions of one kind. A question that is asked again while it has no answer is not asked twice.
pub(crate) struct Lookups<K, T> {
    /// Names the threads, and what is asked for.
    kind: &'static str,
    /// How many questions may be without an answer.
    limit: usize,
    stack_size: usize,
    wakeup: Arc<EventFd>,
    pending: BTreeMap<K, Receiver<T>>,
}

/// Makes an event readable when it is dropped: also after a panic.
struct WakeOnDrop(Arc<EventFd>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        // It fails if it has not been read a great many times, and is readable then.
        let _ = self.0.write(1);
    }
}

impl<K: Ord + Clone, T: Send + 'static> Lookups<K, T> {
    /// Makes a kind of which at most `limit` questions are without an answer. `wakeup` gets readable with each answer.
    pub(crate) fn new(kind: &'static str, limit: usize, stack_size: usize, wakeup: &Arc<EventFd>) -> Lookups<K, T> {
        Lookups { kind, limit, stack_size, wakeup: Arc::clone(wakeup), pending: BTreeMap::new() }
    }

    /// Asks by calling `ask` in another thread, which has all signals blocked, and waits for the answer for at most `timeout`. If
    /// the question is pending, [`take_answers`](Lookups::take_answers) will return the answer.
    ///
    /// An error says that too many questions are pending, that there is no thread, or that `ask` has panicked.
    pub(crate) fn ask(
        &mut self,
        question: &K,
        timeout: Duration,
        ask: impl FnOnce(&EventFd) -> T + Send + 'static,
    ) -> Poll<Result<T, StartError>> {
        if self.pending.contains_key(question) {
            return Poll::Pending;
        }
        if self.pending.len() >= self.limit {
            let why = format!("{} look-ups of {} do not come back", self.limit, self.kind);
            return Poll::Ready(Err(StartError::shortage(&why)));
        }
        let (sender, answer) = channel();
        let wakeup = WakeOnDrop(Arc::clone(&self.wakeup));
        let work = move || {
            // In this order: the wakeup is the last to be dropped, when the answer is there, or is known not to come.
            let (wakeup, sender) = (wakeup, sender);
            Mask::all().set();
            // The receiver is gone at the end of the monitor.
            let _ = sender.send(ask(&wakeup.0));
        };
        if let Err(error) = thread::Builder::new().name(self.kind.into()).stack_size(self.stack_size).spawn(work) {
            return Poll::Ready(Err(StartError::shortage(&cause(&error))));
        }
        match answer.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => {
                self.pending.insert(question.clone(), answer);
                Poll::Pending
            }
            answer => Poll::Ready(answer.map_err(|_| panicked())),
        }
    }

    /// Takes the answers that have come since, with their questions.
    pub(crate) fn take_answers(&mut self) -> Vec<(K, Result<T, StartError>)> {
        let mut answers = Vec::new();
        self.pending.retain(|question, answer| match answer.recv_timeout(Duration::ZERO) {
            Err(RecvTimeoutError::Timeout) => true,
            answer => {
                answers.push((question.clone(), answer.map_err(|_| panicked())));
                false
            }
        });
        answers
    }
}

fn panicked() -> StartError {
    StartError::shortage("a thread has panicked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::eventfd::EfdFlags;
    use std::sync::mpsc::Sender;
    use std::time::Instant;

    const LIMIT: usize = 4;

    fn lookups() -> Lookups<usize, usize> {
        let wakeup = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).unwrap();
        Lookups::new("tests", LIMIT, 64 * 1024, &Arc::new(wakeup))
    }

    /// Waits for the next answers, however long that takes on a busy machine.
    fn next(lookups: &mut Lookups<usize, usize>) -> Vec<(usize, Result<usize, StartError>)> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while lookups.wakeup.read().is_err() {
            assert!(Instant::now() < deadline, "no answer");
            thread::yield_now();
        }
        lookups.take_answers()
    }

    /// Promise 6.11.
    #[test]
    fn question_without_answer_is_asked_once_and_leaves_room_for_others() {
        let mut lookups = lookups();
        let mut gates: Vec<Sender<usize>> = Vec::new();
        for question in 0..LIMIT {
            let (gate, held) = channel();
            let asked = lookups.ask(&question, Duration::ZERO, move |_| held.recv().unwrap());
            assert!(asked.is_pending());
            gates.push(gate);
        }
        assert!(lookups.ask(&2, Duration::ZERO, |_| panic!("it is asked twice")).is_pending());
        let Poll::Ready(Err(refused)) = lookups.ask(&LIMIT, Duration::ZERO, |_| 0) else { panic!("too many") };
        assert!(refused.shortage && refused.text.contains("do not come back"), "{refused:?}");
        assert!(lookups.take_answers().is_empty());
        gates[2].send(7).unwrap();
        assert_eq!(next(&mut lookups), [(2, Ok(7))]);
        // There is room again, and an answer that comes at once is waited for.
        assert_eq!(lookups.ask(&LIMIT, Duration::from_secs(20), |_| 8), Poll::Ready(Ok(8)));
    }

    /// Promise 6.11.
    #[test]
    fn panic_while_asking_is_an_answer() {
        let mut lookups = lookups();
        let (gate, held) = channel::<()>();
        let asked = lookups.ask(&1, Duration::ZERO, move |_| held.recv().map_or_else(|_| panic!("on purpose"), |()| 0));
        assert!(asked.is_pending());
        drop(gate);
        let answers = next(&mut lookups);
        assert!(matches!(&answers[..], [(1, Err(refused))] if refused.text.contains("panicked")), "{answers:?}");
    }
}
