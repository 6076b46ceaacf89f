//! The handler of the signals that the daemon handles (`sigaction(2)`), and the handlers of others beside it.
//!
//! A handler that was installed before is called by ours, as the kernel would have called it. One that is installed later
//! is the action in force when the signal comes: it calls ours as its old action, or it replaces ours.

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

/// The data of the handler for one signal. Never freed: the handler may run at any moment, in any thread.
struct Slot {
    /// The action before ours.
    before: libc::sigaction,
    /// The handler before ours was to be called once (`SA_RESETHAND`), and has been.
    spent: AtomicBool,
    /// Cleared when no daemon looks at the flag any more.
    active: AtomicBool,
    flag: Arc<Flag>,
    event: Arc<EventFd>,
    /// Wakes a thread, if it is idle, instead of raising the event.
    wakeup: Option<Arc<Wakeup>>,
    /// The process that looks at the flag: a child that it forks has the handler, too.
    owner: u32,
}

/// By number; more than any Linux has.
static SLOTS: [AtomicPtr<Slot>; 129] = [const { AtomicPtr::new(ptr::null_mut()) }; 129];

/// Installs the handler: the signal raises `flag`, and `event`, unless `wakeup` has an idle thread to wake, beside the
/// handlers that others have installed, until [`uninstall`]. An `abort(3)` does what it did before: it ends the process.
///
/// # Errors
/// The error of `sigaction(2)`.
pub fn install(signal: Signal, flag: Arc<Flag>, event: Arc<EventFd>, wakeup: Option<Arc<Wakeup>>) -> io::Result<()> {
    let place = place(signal).ok_or(Errno::EINVAL)?;
    let current = signal_disposition::current(signal).ok_or_else(io::Error::last_os_error)?;
    // A daemon that was given up, in this process or in the one that forked it.
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
    // First: from here on the handler may run.
    place.store(Box::into_raw(Box::new(slot)), SeqCst);
    // A handler that was installed over ours may call ours. If ours called that one, too, they would never return.
    if known.is_none() || !is_handler(&current) {
        signal_disposition::set_action(signal, &action)?;
    }
    Ok(())
}

/// Removes the handler: the signal does again what it did before [`install`]. Where another one was installed over it, it stays
/// and passes the signal on.
pub fn uninstall(signal: Signal) {
    let Some(slot) = slot(signal.as_raw()) else { return };
    slot.active.store(false, SeqCst);
    if is_ours_in_force(signal) && signal_disposition::set_action(signal, &slot.before).is_ok() {
        if let Some(place) = place(signal) {
            place.store(ptr::null_mut(), SeqCst);
        }
    }
}

/// Returns `true` if the signal reaches our handler first; otherwise another handler decides whether it reaches ours.
pub fn is_ours_in_force(signal: Signal) -> bool {
    signal_disposition::current(signal).is_some_and(|action| action.sa_sigaction == address())
}

/// Returns `true` if a handler of another takes the signal, too, whether it was installed before ours or later. One that is
/// called once (`SA_RESETHAND`) has left the default action behind; where the program ignores the signal, none takes it.
pub fn is_shared(signal: Signal) -> bool {
    let Some(current) = signal_disposition::current(signal) else { return false };
    if current.sa_sigaction == address() {
        slot(signal.as_raw()).is_some_and(|slot| is_handler(&slot.before))
    } else {
        current.sa_sigaction != libc::SIG_IGN
    }
}

/// Our action: its flags and its mask are those of the handler that it calls, which expects them.
fn ours(before: &libc::sigaction) -> libc::sigaction {
    let mut action = *before;
    let inherited = libc::SA_RESTART | libc::SA_NODEFER | libc::SA_ONSTACK;
    if is_handler(before) {
        action.sa_flags &= inherited;
    } else {
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: the set is ours, and sigemptyset only writes to it.
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

/// Runs in whichever thread the signal interrupts: atomics, getpid(2), write(2), futex(2) and what puts the default action back are
/// async-signal-safe; nothing is allocated, and nothing unwinds.
extern "C" fn handle(number: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let errno = Errno::last_raw();
    if let Some(slot) = slot(number) {
        // SAFETY: null, or the kernel's siginfo of this signal, which lives as long as this call.
        let is_told = slot.tell_daemon(unsafe { info.as_ref() });
        // After that: a body that ends by it at once finds that its daemon has been told, and waits for the handlers.
        let is_handled = slot.call_before(number, info, context);
        if !is_told && !is_handled && slot.before.sa_sigaction != libc::SIG_IGN {
            default_action(number);
        }
    }
    Errno::set_raw(errno);
}

impl Slot {
    /// Raises the flag, and wakes a thread. Returns `false` if the signal is not for the daemon.
    fn tell_daemon(&self, info: Option<&libc::siginfo_t>) -> bool {
        let is_for_the_daemon = self.active.load(SeqCst) && self.owner == process::id() && !info.is_some_and(is_abort);
        if is_for_the_daemon {
            self.flag.raise(info.map_or(Purpose::Unmarked, siginfo::purpose));
            if !self.wakeup.as_ref().is_some_and(|wakeup| wakeup.wake_if_idle()) {
                let _ = self.event.write(1);
            }
        }
        is_for_the_daemon
    }

    /// Calls the handler that was there before ours. Returns `false` if none was, or if it was to be called once and has
    /// been: the default action has taken its place.
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

/// Does what the kernel does with a signal that no handler takes. The table of signal-hook lacks the realtime signals,
/// which come again when this handler has returned.
fn default_action(number: libc::c_int) {
    if emulate_default_handler(number).is_err() {
        signal_disposition::set(Signal::from(number), Disposition::Default);
        let _ = raise(number);
    }
}
