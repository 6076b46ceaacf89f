//! The attributes, and the values of keys that have keys of their own.

use std::fmt;

/// An attribute, or the value of a key that has keys of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Run,
    Step,
    Message,
    Instance,
    Init,
    /// The braces behind `retry =`.
    Retry,
    /// The parentheses behind `log`.
    Log,
    /// The parentheses behind `cli`.
    Cli,
    /// The parentheses behind `service`.
    Service,
}

/// Writes the attribute in the syntax of users.
impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Run => "#[daemon::run]",
            Kind::Step => "#[daemon::step]",
            Kind::Message => "#[daemon::message]",
            Kind::Instance => "#[daemon::instance]",
            Kind::Init => "#[daemon::init]",
            Kind::Retry => "retry = { … }",
            Kind::Log => "log(…)",
            Kind::Cli => "cli(…)",
            Kind::Service => "service(…)",
        })
    }
}
