//! Spawns threads by `pthread_create(3)`, without a handle and without the stack overflow handler of std.
//!
//! For the first thread of a process, std looks up a symbol of glibc by name. The look-up touches a dozen pages of the loader and the
//! libraries, which each forked process maps again, and takes as long as the rest of the thread's creation.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// The stack size in bytes, as in std.
const STACK_SIZE: usize = 2 << 20;

/// The work of a thread, and its name.
struct Start {
    name: &'static CStr,
    work: Box<dyn FnOnce() + Send>,
}

/// Spawns a detached thread with this name (`pthread_create(3)`, `PR_SET_NAME`). A panic ends only the thread.
///
/// # Errors
/// Returns `EAGAIN` if the system lacks resources for a thread.
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
    // A panic that leaves an `extern "C"` function aborts the process. The panic hook has reported it already.
    let _ = catch_unwind(AssertUnwindSafe(start.work));
    ptr::null_mut()
}

/// Converts the result of a pthread function, which is an error number.
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
