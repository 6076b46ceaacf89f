//! Installs the daemon's signal handler (`sigaction(2)`), chained with handlers of other code.
//!
//! The daemon's handler calls a handler that was installed before it, as the kernel would have called that one. A handler that is
//! installed later receives the signal first: it calls the daemon's handler as its old action, or replaces it.

use super::siginfo::{self, Purpose};
use super::signal_disposition::{self, Disposition};
use super::signal_flag::{Flag, is_abort};
use super::wakeup::Wakeup;
use crate::signal::Signal;
use nix::errno::Errno;
use nix::sys::eventfd::EventFd;
use signal_hook::low_level::{emulate_default_handler, raise};
use std::io;
use std::mem;
use std::process;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::SeqCst};

/// The data of the handler for one signal. Never freed, since the handler can run at any moment in any thread.
struct Slot {
    /// The action before [`install`].
    before: libc::sigaction,
    /// `true` once a previous handler with `SA_RESETHAND` has been called: it is called only once.
    spent: AtomicBool,
    /// Cleared by [`uninstall`].
    active: AtomicBool,
    flag: Arc<Flag>,
    event: Arc<EventFd>,
    /// Wakes an idle thread instead of writing to `event`.
    wakeup: Option<Arc<Wakeup>>,
    /// The process that reads the flag. A forked child inherits the handler, but must not act on it.
    owner: u32,
}

/// The slots, by signal number: `_NSIG` is 128 at most (on MIPS).
static SLOTS: [AtomicPtr<Slot>; 129] = [const { AtomicPtr::new(ptr::null_mut()) }; 129];

/// Installs the handler until [`uninstall`] (`sigaction(2)`). The signal raises `flag`, then wakes the thread of `wakeup` if that is
/// idle, or else writes to `event`. Handlers that other code has installed are still called. `abort(3)` still ends the process.
///
/// # Errors
/// Returns the error of `sigaction(2)`.
pub fn install(signal: Signal, flag: Arc<Flag>, event: Arc<EventFd>, wakeup: Option<Arc<Wakeup>>) -> io::Result<()> {
    let place = place(signal).ok_or(Errno::EINVAL)?;
    let current = signal_disposition::current(signal).ok_or_else(io::Error::last_os_error)?;
    // A slot remains after an aborted start, in this process or in the process that forked it.
    let known = slot(signal.as_raw());
    let before = known.filter(|_| is_handler(&current)).map_or(current, |slot| slot.before);
    let slot = Slot {
        before,
        spent: AtomicBool::new(known.is_some_and(|slot| slot.spent.load(SeqCst))),
        active: AtomicBool::new(true),
        flag,
        event,
        wakeup,
        owner: process::id(),
    };
    let action = ours(&slot.before);
    // The slot is stored first, since the handler may run as soon as it is installed.
    place.store(Box::into_raw(Box::new(slot)), SeqCst);
    // A handler that was installed later may call this one. If this one called it as the previous handler, neither would return.
    if known.is_none() || !is_handler(&current) {
        signal_disposition::set_action(signal, &action)?;
    }
    Ok(())
}

/// Restores the action before [`install`] (`sigaction(2)`). If another handler was installed later, this one stays, and only passes the
/// signal on.
pub fn uninstall(signal: Signal) {
    let Some(slot) = slot(signal.as_raw()) else { return };
    slot.active.store(false, SeqCst);
    if is_ours_in_force(signal) && signal_disposition::set_action(signal, &slot.before).is_ok() {
        if let Some(place) = place(signal) {
            place.store(ptr::null_mut(), SeqCst);
        }
    }
}

/// Returns `true` if the signal reaches this handler first. Otherwise another handler decides whether to pass it on.
pub fn is_ours_in_force(signal: Signal) -> bool {
    signal_disposition::current(signal).is_some_and(|action| action.sa_sigaction == address())
}

/// Returns `true` if other code handles the signal too, installed before or after this handler. A handler with `SA_RESETHAND` counts
/// until it has been called; `SIG_IGN` does not count.
pub fn is_shared(signal: Signal) -> bool {
    let Some(current) = signal_disposition::current(signal) else { return false };
    if current.sa_sigaction == address() {
        slot(signal.as_raw()).is_some_and(|slot| is_handler(&slot.before))
    } else {
        current.sa_sigaction != libc::SIG_IGN
    }
}

/// Returns the action of this handler, with the flags and the mask that the previous handler, which it calls, relies on.
fn ours(before: &libc::sigaction) -> libc::sigaction {
    let mut action = *before;
    let inherited = libc::SA_RESTART | libc::SA_NODEFER | libc::SA_ONSTACK;
    if is_handler(before) {
        action.sa_flags &= inherited;
    } else {
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: the set is a local one, and sigemptyset only writes to it.
        unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    }
    action.sa_flags |= libc::SA_SIGINFO;
    action.sa_sigaction = address();
    action
}

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

fn address() -> libc::sighandler_t {
    (handle as Handler) as *const () as libc::sighandler_t
}

fn is_handler(action: &libc::sigaction) -> bool {
    ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction)
}

fn place(signal: Signal) -> Option<&'static AtomicPtr<Slot>> {
    SLOTS.get(usize::try_from(signal.as_raw()).ok()?)
}

fn slot(number: libc::c_int) -> Option<&'static Slot> {
    let slot = SLOTS.get(usize::try_from(number).ok()?)?.load(SeqCst);
    // SAFETY: null, or a slot from a box that is never freed.
    unsafe { slot.as_ref() }
}

/// Handles a signal, in any thread. Atomics, getpid(2), write(2), futex(2) and sigaction(2) are async-signal-safe (signal-safety(7));
/// nothing allocates or unwinds.
extern "C" fn handle(number: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let errno = Errno::last_raw();
    if let Some(slot) = slot(number) {
        // SAFETY: null, or the kernel's siginfo of this signal, which lives as long as this call.
        let is_notified = slot.notify_daemon(unsafe { info.as_ref() });
        // The flag is raised first: if the previous handler makes the body end, the daemon knows of the signal, and runs its handlers.
        let is_handled = slot.call_before(number, info, context);
        if !is_notified && !is_handled && slot.before.sa_sigaction != libc::SIG_IGN {
            default_action(number);
        }
    }
    Errno::set_raw(errno);
}

impl Slot {
    /// Raises the flag and wakes a thread. Returns `false` if the signal is not for the daemon.
    fn notify_daemon(&self, info: Option<&libc::siginfo_t>) -> bool {
        let is_for_the_daemon = self.active.load(SeqCst) && self.owner == process::id() && !info.is_some_and(is_abort);
        if is_for_the_daemon {
            self.flag.raise(info.map_or(Purpose::Unmarked, siginfo::purpose));
            if !self.wakeup.as_ref().is_some_and(|wakeup| wakeup.wake_if_idle()) {
                let _ = self.event.write(1);
            }
        }
        is_for_the_daemon
    }

    /// Calls the previous handler. Returns `false` if there was none, or if it had `SA_RESETHAND` and has been called.
    fn call_before(&self, number: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) -> bool {
        let is_once = self.before.sa_flags & libc::SA_RESETHAND != 0;
        if !is_handler(&self.before) || (is_once && self.spent.swap(true, SeqCst)) {
            return false;
        }
        let function = ptr::with_exposed_provenance::<()>(self.before.sa_sigaction);
        if self.before.sa_flags & libc::SA_SIGINFO != 0 {
            // SAFETY: `sigaction(2)` had it as the handler of a signal, with the arguments that this flag means.
            let function = unsafe { mem::transmute::<*const (), Handler>(function) };
            function(number, info, context);
        } else {
            // SAFETY: as above; without the flag it takes the number alone.
            let function = unsafe { mem::transmute::<*const (), extern "C" fn(libc::c_int)>(function) };
            function(number);
        }
        true
    }
}

/// Performs the default action (`signal(7)`). signal-hook does not know the realtime signals: they are raised again, with `SIG_DFL`.
fn default_action(number: libc::c_int) {
    if emulate_default_handler(number).is_err() {
        signal_disposition::set(Signal::from(number), Disposition::Default);
        let _ = raise(number);
    }
}
