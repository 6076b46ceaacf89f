//! The id of the build of this program.

pub(crate) use daemonize_sys::build_id::build_id;
