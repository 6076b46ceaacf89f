//! The stop flag: says that this daemon is to stop, wakes the code that waits for the stop, and records what the body knows.
//!
//! A process is at most one daemon, so this state belongs to the process. Plain statics cost one relaxed load to poll,
//! exist before any thread does, and are fresh in every daemon because a launcher never sets them.

mod body;
mod body_end;
mod claim;
mod flag;
mod heartbeat;
mod poll;
mod stop_future;
mod waiters;

#[cfg_attr(not(feature = "tokio"), allow(unused_imports))]
pub(crate) use body::{
    enter_body_thread, is_body_thread, is_called_from_body, is_polling_body, set_cancels_body, while_polling_body,
};
#[cfg_attr(not(feature = "tokio"), allow(unused_imports))]
pub(crate) use body_end::{
    body_may_know, body_saw_stop, body_will_end, is_body_cancelled, is_body_parked, park_forever, program_handles_stop,
    set_body_cancelled, set_body_saw_stop, set_program_handles_stop,
};
pub(crate) use claim::{claim_stop, is_stop_pending, withdraw_claim};
pub(crate) use flag::is_stop_requested;
#[cfg_attr(not(feature = "tokio"), allow(unused_imports))]
pub(crate) use heartbeat::{SleepGuard, heartbeat_seen, record_heartbeat, start_watchdog, watchdog_interval};
pub(crate) use poll::{await_first_poll, poll_stop, poll_stop_before_ready, report_first_poll};
pub(crate) use stop_future::StopFuture;
pub(crate) use waiters::{event_fd, request_stop, set_stop_requested, sleep, sleep_until, wake_waiters};

/// Clears the stop and everything that a body has done about it, so that the next body under test starts as in a new process.
pub(crate) fn reset_for_test() {
    waiters::reset();
    poll::reset();
    claim::reset();
    body::reset();
    body_end::reset();
    heartbeat::reset();
}
