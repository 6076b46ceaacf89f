//! An allocator that ends a process which allocates, unless it is the watched one: a child between fork and exec,
//! whether it has a copy of the memory or borrows it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

#[global_allocator]
static ALLOCATOR: Careful = Careful;

/// The process that may allocate; 0 allows every process.
static WATCHED: AtomicU32 = AtomicU32::new(0);

/// Allows only this process from now on.
pub(crate) fn watch() {
    WATCHED.store(std::process::id(), SeqCst);
}

struct Careful;

impl Careful {
    fn check() {
        let watched = WATCHED.load(SeqCst);
        if watched != 0 && std::process::id() != watched {
            let _ = nix::unistd::write(std::io::stderr(), b"allocated in the child\n");
            std::process::abort();
        }
    }
}

// SAFETY: every call is passed to the system's allocator.
unsafe impl GlobalAlloc for Careful {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Careful::check();
        // SAFETY: as guaranteed by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Careful::check();
        // SAFETY: as guaranteed by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}
