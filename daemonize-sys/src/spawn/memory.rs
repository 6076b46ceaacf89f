//! What a child uses of our memory: a stack, and a cell in which it says that it is there.

use super::{STACK, cvt};
use crate::pid::Pid;
use crate::signal::Signal;
use std::ffi::c_void;
use std::io;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mapping for the child's stack, with a page below it that nobody may touch.
pub(super) struct Stack(*mut c_void);

// SAFETY: only the address of a mapping, which any thread may use.
unsafe impl Send for Stack {}

const GUARD: usize = 64 * 1024;

impl Stack {
    pub(super) fn new() -> io::Result<Stack> {
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: a new mapping wherever the kernel likes touches no memory there is.
        let base = unsafe { libc::mmap(null_mut(), GUARD + STACK, libc::PROT_READ | libc::PROT_WRITE, kind, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Stack(base);
        // SAFETY: the first pages of our own mapping, which nobody uses yet.
        cvt(unsafe { libc::mprotect(base, GUARD, libc::PROT_NONE) }.into())?;
        Ok(stack)
    }

    pub(super) fn top(&self) -> *mut c_void {
        // SAFETY: one past the end of the mapping, from where the stack grows down; page-aligned, so aligned enough.
        unsafe { self.0.byte_add(GUARD + STACK) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: our own mapping; no child uses it any more, since each is waited for until it executes.
        unsafe { libc::munmap(self.0, GUARD + STACK) };
    }
}

/// The child that is being made, for those who look on from other threads: its number stands here from before its session
/// is its own, which is the first thing it does, and until there is an outcome.
pub struct Newborn {
    /// In memory that is shared with a child which has a copy of all other.
    cell: *const AtomicI32,
    /// Held while a signal is sent: meanwhile nobody reaps the child, so that its number stays its own.
    held: Mutex<()>,
}

// SAFETY: only the address of a mapping that lives as long as this does, and of which nothing is used but an atomic number.
unsafe impl Send for Newborn {}
// SAFETY: as above.
unsafe impl Sync for Newborn {}

impl Newborn {
    pub fn new() -> io::Result<Newborn> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping wherever the kernel likes touches no memory there is.
        let base = unsafe { libc::mmap(null_mut(), size_of::<AtomicI32>(), access, kind, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // It is filled with zeroes, and begins with a page.
        Ok(Newborn { cell: base.cast(), held: Mutex::new(()) })
    }

    /// The child, if it has run already.
    pub fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.cell().load(SeqCst))
    }

    /// SIGKILL for the child, if there is one: it ends as soon as the kernel gives up what it waits for.
    pub fn kill(&self) {
        let _held = self.hold();
        if let Some(pid) = self.pid() {
            // SAFETY: takes integers and touches no memory of ours; nobody has reaped it.
            unsafe { libc::kill(pid.as_raw(), Signal::SIGKILL.as_raw()) };
        }
    }

    /// From now on there is none, and whoever was it may be reaped.
    pub fn clear(&self) {
        let _held = self.hold();
        self.cell().store(0, SeqCst);
    }

    pub(super) fn cell(&self) -> &AtomicI32 {
        // SAFETY: our own mapping, large enough and aligned, which is there until we are dropped.
        unsafe { &*self.cell }
    }

    fn hold(&self) -> MutexGuard<'_, ()> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Newborn {
    fn drop(&mut self) {
        // SAFETY: our own mapping; no child uses it any more, since each is waited for until it executes.
        unsafe { libc::munmap(self.cell.cast_mut().cast(), size_of::<AtomicI32>()) };
    }
}
