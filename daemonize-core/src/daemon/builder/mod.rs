//! The builder methods of `Daemon`: one for each key of the attributes, with the same name.
//!
//! Every setter takes an `Option` as well; `None` leaves the setting unchanged.

#[cfg(feature = "tokio")]
mod async_body;
mod body;
mod pidfile;
mod privileges;
mod process;
mod stages;
mod stdio;
mod timeouts;
