//! Threads without what std adds to one for code of the user: a handle with a name, and a stack on which an overflow is reported.
//!
//! For the first thread of a process, std looks up a function of glibc by its name: that reads a dozen pages of the loader and the
//! libraries, which each forked process has to map anew, and takes as long as all the rest of a thread's creation.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// As for a thread of std, in bytes.
const STACK_SIZE: usize = 2 << 20;

/// The work of a thread, and its name.
struct Start {
    name: &'static CStr,
    work: Box<dyn FnOnce() + Send>,
}

/// Spawns a detached thread (`pthread_create(3)`), which `comm` of `/proc` shows by this name. A panic ends the thread alone.
///
/// # Errors
/// `EAGAIN` if no thread can be made now.
pub fn spawn(name: &'static CStr, work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: initialises the attributes, which are read below.
    check(unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) })?;
    let start = Box::into_raw(Box::new(Start { name, work }));
    let mut thread = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised, and destroyed once. If the thread is made, it owns `start`.
    let created = unsafe {
        libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK_SIZE);
        let error = libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), run, start.cast());
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        check(error)
    };
    if created.is_err() {
        // SAFETY: no thread was made that could own it.
        drop(unsafe { Box::from_raw(start) });
    }
    created
}

extern "C" fn run(start: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: `spawn` has made it for this thread alone.
    let start = unsafe { Box::from_raw(start.cast::<Start>()) };
    let _ = nix::sys::prctl::set_name(start.name);
    // std would abort the process for a panic that leaves this function. The hook of panics has reported it.
    let _ = catch_unwind(AssertUnwindSafe(start.work));
    ptr::null_mut()
}

/// The functions of threads return an error instead of setting `errno`.
fn check(error: libc::c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn spawned_thread_has_its_name_and_its_panic_ends_no_other() {
        let (sender, receiver) = channel();
        let work = move || {
            sender.send(std::fs::read_to_string("/proc/thread-self/comm").unwrap()).unwrap();
            std::panic::resume_unwind(Box::new(()));
        };
        spawn(c"bare", Box::new(work)).unwrap();
        assert_eq!(receiver.recv().unwrap(), "bare\n");
        // The sender is dropped by the unwinding.
        assert!(receiver.recv().is_err());
    }
}
