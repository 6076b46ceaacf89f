//! Settings with a few fixed values: whether to detach, which descriptors to close, when the daemon is ready.

/// The choice between a background process without a terminal and the foreground.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detach {
    /// Detach, unless a service manager, a supervisor, a super-server or a container runs this process.
    #[default]
    Auto,
    /// Detach regardless of the parent process (for a systemd unit of `Type=forking`).
    Always,
    /// Do not detach: the process that was started is the daemon.
    Never,
}

/// The file descriptors from 3 on that are closed in the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Close {
    /// Descriptors inherited through `execve(2)`. Descriptors that this program opened itself stay open.
    #[default]
    Inherited,
    /// All but those named by `inherit`.
    All,
    /// None.
    None,
}

/// The event that makes a daemon ready. Until then an error, a panic or any other end of its body fails the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ready {
    /// The first poll of the stop flag by the body's own thread or task, or 100 ms after the body was entered, whichever comes
    /// first. These count as a poll: [`sleep`](crate::sleep()), [`stopping`](crate::stopping()),
    /// [`stopped`](crate::stopped()), [`wait_handle`](crate::wait_handle()), the end of a successful step, the first answer of a
    /// function that fetches messages. A body that returns without an error before that makes the start a success.
    ///
    /// Effects that the body has had by then stay, even if the start fails. A body that replaces its process by another program
    /// (`execve(2)`) needs `Entered`, or calls [`ready`](crate::ready()) first.
    #[default]
    Auto,
    /// The entry into the body: the fastest start, which proves nothing about the body.
    Entered,
    /// A call of [`ready`](crate::ready) by the body. Output until then reaches the launcher through pipes. A program that the body
    /// starts before inherits these pipes, and receives SIGPIPE if it writes to them after the start.
    Manual,
}
