//! Safe functions for Linux system calls that neither std nor nix wrap, and helpers that several crates of
//! [`daemonic`](https://docs.rs/daemonic) share. This crate is private: its API follows no semantic versioning.
//!
//! It is the only library crate with `unsafe` code and with the crate `libc`. It contains signals, processes, capabilities and file
//! descriptors of the kernel, a reader of `/proc`, and the rules by which paths are trusted and texts are escaped. The behaviour
//! of a daemon, an endpoint or a monitor belongs to the crates above.

#[cfg(not(target_os = "linux"))]
compile_error!("daemonize-sys needs pidfd_open(2) and /proc, which only Linux has");

// The code assumes system calls with 32-bit ids, 64 signals and a stack that grows down: see `scripts/targets`.
#[cfg(not(any(
    all(target_pointer_width = "64", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")),
    all(target_pointer_width = "32", any(target_arch = "x86", target_arch = "arm")),
)))]
compile_error!(
    "daemonize-sys makes system calls that were checked on x86_64, x86, aarch64, arm and riscv64 only: check those of this \
     target (`scripts/targets`, and every `SYS_` in this crate) before you add it to the list"
);

pub mod account;
pub mod attributes;
pub mod build_id;
pub mod capabilities;
pub mod capability;
pub mod clock;
pub mod datagram;
pub mod device;
pub mod env;
pub mod error;
pub mod escape;
pub mod exec;
pub mod fd_passing;
pub mod fd_table;
pub mod fds;
pub mod fork;
pub mod heap;
pub mod keyring;
pub mod main_process;
pub mod mutex;
pub mod outlined;
pub mod paths;
pub mod pid;
pub mod pidfd;
pub mod proc;
pub mod siginfo;
pub mod signal;
pub mod signal_counters;
pub mod signal_disposition;
pub mod signal_flag;
pub mod signal_handler;
pub mod signal_mask;
pub mod signalfd;
pub mod spawn;
mod syscall;
pub mod thread;
pub mod tracer;
pub mod trust;
pub mod wait;
pub mod wakeup;
pub mod xattr;

pub use capability::{Capability, UnknownCapability};
pub use pid::Pid;
pub use signal::{Signal, UnknownSignal};
