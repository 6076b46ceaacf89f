//! The protocol of a service manager: `sd_notify(3)`, its watchdog, and the descriptors that it passes (`sd_listen_fds(3)`).
//!
//! Nothing is sent unless the manager asks for it in the environment of the process that it started, and no failure of the
//! manager delays the daemon: a message that the manager does not receive in time is lost.

mod environment;
mod notifier;
mod relay;

pub(crate) use environment::{ServiceEnvironment, ServiceManager, environment_variables};
pub(crate) use notifier::Notifier;
pub(crate) use relay::NotifyRelay;
