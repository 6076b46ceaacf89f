//! The activity that keeps the daemon from exiting: open clients, waiting clients, and guards of the body.
//!
//! Its clock is `CLOCK_BOOTTIME`, which goes on while the machine sleeps: a daemon that was idle over night exits when the machine wakes.

mod clock;
mod guards;
mod idle_timer;
mod state;

pub(crate) use guards::ClientToken;
pub use guards::{Busy, busy};
pub(crate) use idle_timer::IdleTimer;
pub(crate) use state::{
    IdleCheck, begin, check_idle, clients, guards, idle_for, is_inactive, is_retiring, look_again, retire,
};
