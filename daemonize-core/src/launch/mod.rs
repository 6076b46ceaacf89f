//! The launch: from validated settings to a running daemon.
//!
//! # Three processes
//!
//! A daemon that detaches is made by a double fork. The **launcher** is the process that called `start`. It forks the **session
//! leader**, which calls `setsid(2)` and forks the **daemon**. The daemon is not a session leader, so it can never acquire a
//! controlling terminal (`setsid(2)`, `tty_ioctl(4)`). Most daemons are made with the same two forks; the difference here is that
//! the session leader stays until the outcome of the start is known. As the daemon's parent it can wait for it, and so it reports
//! *how* a daemon died that never became ready.
//!
//! Mistakes in the settings are found by the [`preflight`] in the launcher, before the first fork, while the user still sees
//! stderr. The launcher also locks the pidfile there; the lock is inherited through both forks (`flock(2)`) and is free at no
//! moment. The other stages ([`stages`]) run in the daemon, each with its hooks.
//!
//! # The protocol
//!
//! Two socket pairs connect the processes: `ready` (daemon and launcher) and `control` (session leader and launcher). See
//! [`ipc`](crate::ipc).
//!
//! | step | sender | receiver | message |
//! |---|---|---|---|
//! | 1 | session leader | launcher | FORKED: the daemon's pid. The launcher trusts it, because the session leader still has the launcher's user. |
//! | 2 | daemon | launcher | WARNINGS about the start, if there are any, and ADDRESSES of its attachments, before it changes its user. |
//! | 3 | launcher | daemon | WRITTEN: the pidfile is written. The daemon waits for this in the stage `PidFile`. |
//! | 4 | daemon | launcher | READY: all stages are done, and the body works as far as `ready` requires. |
//! | 5 | launcher | session leader | RELEASE, answered by RELEASED unless the launcher exits at once. |
//! | 6 | launcher | daemon | GO: the start has succeeded. From now on the daemon owns the pidfile. |
//!
//! Instead of READY the daemon sends FAILED with an error, or EXITING if the body calls `exit(3)`. The session leader sends STATUS
//! with the wait status of a daemon that died. There are no time stamps and no polling: each process waits for descriptors.
//!
//! # Failures
//!
//! **End of file aborts the start.** The kernel closes the sockets of a process that dies, so its peers notice its death however it
//! died. A launcher that is killed leaves neither a process nor a file behind: the session leader kills the daemon, removes the
//! files with its copy of the lock, and exits. Before GO only the launcher removes the files, or the session leader if the
//! launcher is dead, so a slow launcher never overwrites the pidfile of a later daemon.
//!
//! # Attachments
//!
//! A socket for which clients wait has to exist before the daemon does: the launcher calls
//! [`launching`](crate::attach::Attachment::launching) of each attachment when it has locked the pidfile, and before it forks, so that
//! the daemon inherits the sockets that are bound there. When the start has ended it calls
//! [`launched`](crate::attach::Attachment::launched), after GO, or with the error after the rollback: clients that wait for a start that
//! has failed receive the cause. See [`launching`], and the rules D1 and D2.
//!
//! The rules L1 to L16 in `docs/rules.md` state all of this exactly, comments name the rule that a step implements, and
//! `docs/models/launch.pml` is a model of the protocol that is checked exhaustively.
//!
//! # States
//!
//! [`Preflight`] (settings checked) becomes [`Launch`] (pidfile locked, signals blocked); [`Launch::detach`] returns in the
//! launcher and in the daemon, where it yields a [`StartingDaemon`], which runs the stages. A program that performs the stages
//! itself has it as a [`StagedLaunch`](crate::daemon). [`run_body`] or [`activate`] runs the remaining stages, and begins the body.

mod acquire_pidfile;
mod capture;
mod captured_log;
mod cause_of_death;
mod container;
mod container_init;
mod daemon;
mod destination;
mod detach;
mod double_fork;
mod launcher;
mod launcher_link;
mod launching;
mod lifecycle;
mod log_reopen;
mod monitor_env;
mod own_environment;
mod pidfile_path;
mod preflight;
mod prepare_attachments;
mod process_exit;
mod readiness;
mod readiness_send;
mod rollback;
mod session_leader;
mod set_streams;
mod signal_block;
mod single_thread;
mod stages;
mod stages_done;
mod start_outcome;
mod start_timeout;
mod start_warnings;
mod started;
mod state;
mod streams;
mod wait_progress;
mod watched_parent;

pub(crate) use daemon::StartingDaemon;
pub use destination::Destination;
pub(crate) use double_fork::DetachResult;
pub(crate) use launching::{enable_launching, end_without_launcher};
pub(crate) use lifecycle::{activate, run_body};
pub(crate) use preflight::Preflight;
pub(crate) use prepare_attachments::enable_preparation;
pub(crate) use process_exit::Exit;
pub(crate) use set_streams::enable_streams;
pub(crate) use stages::privileges::enable_privileges;
pub use started::Started;
pub(crate) use state::Launch;
pub(crate) use wait_progress::enable_on_wait;
pub(crate) use watched_parent::enable_ends_with;
