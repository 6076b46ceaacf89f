//! Installs the handlers of signals (`sigaction(2)`), and keeps the flags that they set.

use crate::signal::Signal;
use crate::sys::siginfo::Purpose;
use crate::sys::signal_flag::{self, Flag, Purposes};
use crate::sys::signal_handler;
use crate::sys::wakeup::Wakeup;
use nix::sys::eventfd::EventFd;
use std::io;
use std::sync::Arc;

/// The installed handlers. Dropping them restores the dispositions from before.
pub(super) struct InstalledHandlers(Vec<InstalledHandler>);

struct InstalledHandler {
    signal: Signal,
    is_direct: bool,
    flag: Arc<Flag>,
}

impl InstalledHandlers {
    /// Installs a handler for each of the `handled` signals. Those that are `direct` wake the handler thread by `wakeup` while it
    /// is idle; all others write to `event`.
    pub(super) fn install(
        handled: &[Signal],
        direct: &[Signal],
        event: &Arc<EventFd>,
        wakeup: &Arc<Wakeup>,
    ) -> io::Result<InstalledHandlers> {
        // Dropped by an error: the handlers installed by then are removed.
        let mut installed = InstalledHandlers(Vec::with_capacity(handled.len()));
        for signal in handled.iter().copied() {
            let flag = Arc::<Flag>::default();
            let is_direct = direct.contains(&signal);
            let wakeup = is_direct.then(|| Arc::clone(wakeup));
            signal_handler::install(signal, Arc::clone(&flag), Arc::clone(event), wakeup)?;
            installed.0.push(InstalledHandler { signal, is_direct, flag });
        }
        Ok(installed)
    }

    /// Takes the signals that arrived: the direct ones, or the others.
    pub(super) fn take(&self, direct: bool) -> impl Iterator<Item = (Signal, Purposes)> + '_ {
        let installed = self.0.iter().filter(move |installed| installed.is_direct == direct);
        installed.filter_map(|installed| Some((installed.signal, installed.flag.take()?)))
    }

    /// Sets the flag of a signal as its handler does.
    pub(super) fn raise(&self, signal: Signal, purpose: Purpose) {
        self.get(signal).for_each(|installed| installed.flag.raise(purpose));
    }

    /// Returns how often the signal has arrived, and its flag has been raised, modulo 2³².
    pub(super) fn count(&self, signal: Signal) -> u32 {
        self.get(signal).next().map_or(0, |installed| installed.flag.count())
    }

    /// Returns `true` if the signal arrived and was not taken.
    pub(super) fn has(&self, signal: Signal) -> bool {
        self.get(signal).any(|installed| installed.flag.is_raised())
    }

    /// Returns `true` if a direct signal arrived and was not taken.
    pub(super) fn has_direct(&self) -> bool {
        self.0.iter().any(|installed| installed.is_direct && installed.flag.is_raised())
    }

    fn get(&self, signal: Signal) -> impl Iterator<Item = &InstalledHandler> {
        self.0.iter().filter(move |installed| installed.signal == signal)
    }
}

impl Drop for InstalledHandlers {
    /// Restores the earlier dispositions: the start has failed, and the process continues without being a daemon. Signals that
    /// arrived for the daemon are sent again, to the dispositions from before.
    fn drop(&mut self) {
        self.0.iter().for_each(|installed| signal_handler::uninstall(installed.signal));
        for (signal, _) in self.take(false).chain(self.take(true)) {
            let _ = signal_flag::raise(signal);
        }
    }
}
