//! The stop as the body sees it: polled (`stopping`), awaited (`stopped`), in a poll loop (`wait_handle`), or requested (`stop`).

use crate::context::current;
use crate::self_restart;
use crate::stop_flag::{self, StopFuture};
use std::io;
use std::os::fd::BorrowedFd;
use std::pin::Pin;

/// Returns `true` if the daemon is to stop: one relaxed load.
///
/// A body that calls this is given its `grace` to return, and so is a body whose program handles the stop signal itself. Any
/// other body is ended as soon as the signal handlers are done.
#[inline]
pub fn stopping() -> bool {
    let is_requested = stop_flag::poll_stop();
    if is_requested {
        stop_flag::set_body_saw_stop();
    }
    is_requested
}

/// Returns a future that resolves when the daemon is to stop: [`stopping`] for async code, with any runtime.
///
/// Awaiting it counts as a call of `stopping`: the body is then given its `grace` to return.
pub fn stopped() -> impl Future<Output = ()> + Send + Unpin + 'static {
    let mut stop = StopFuture::for_body();
    std::future::poll_fn(move |context| Pin::new(&mut stop).poll(context).map(|()| stop_flag::set_body_saw_stop()))
}

/// Returns a descriptor that becomes readable when the daemon is to stop, and stays readable: for the program's own poll loop.
///
/// It is an `eventfd(2)`. Do not read from it. The call counts as a call of [`stopping`]. A watchdog of a service manager,
/// though, needs the loop to call `stopping` in each iteration.
///
/// # Errors
/// The process has no free descriptor.
pub fn wait_handle() -> io::Result<BorrowedFd<'static>> {
    stop_flag::poll_stop();
    stop_flag::set_body_saw_stop();
    stop_flag::event_fd()
}

/// Requests that this daemon stops, as SIGTERM does. Returns at once. Does nothing outside of a daemon.
///
/// Never cuts short a stop in progress. During a [`restart`](crate::restart) it stops the restarted program, too.
pub fn stop() {
    if let Some(context) = current() {
        // A body that is done at once has worked: its stop is not a failure of the start.
        stop_flag::report_first_poll();
        self_restart::stop_all(context);
    }
}
