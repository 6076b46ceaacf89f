//! The keys of the attributes. This table is the only place that knows them: parsing, checks, hints and the tables of the
//! documentation (`docs/*.md`, the README) come from it.

use std::fmt;

use crate::suggest;

/// An attribute, or the value of a key that has keys of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Run,
    Step,
    Message,
    Instance,
    /// The braces behind `retry =`.
    Retry,
}

/// Writes the attribute as users write it.
impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Run => "#[daemon::run]",
            Kind::Step => "#[daemon::step]",
            Kind::Message => "#[daemon::message]",
            Kind::Instance => "#[daemon::instance]",
            Kind::Retry => "retry = { … }",
        })
    }
}

/// The shape of the value of a key. A literal is checked, any other expression is left to the compiler.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// A string that can be a file name.
    Name,
    Path,
    /// A path, or one of these words, which are variants of that enum of the library; without an enum it is the method `no_…`.
    PathOr(&'static str, &'static [&'static str]),
    /// One of these words, which are variants of that enum of the library.
    Words(&'static str, &'static [&'static str]),
    /// Permission bits.
    Mode,
    /// Permission bits of a file that only its owner may write.
    PrivateMode,
    Bool,
    /// A user or a group, by name or number.
    Account,
    Duration,
    Descriptors,
    /// A number from 1 to this one, and the reason for the limits.
    Count(u64, &'static str),
    Function,
    Any,
    /// The name of a type.
    Companion,
    /// The path of the library.
    Root,
    /// `{ SIGNAL => action }`
    Signals,
    /// `{ before(Stage) => hook }`
    Hooks,
    /// Braces with keys, or an expression.
    Retry,
    /// An endpoint, an address, or nothing.
    Control,
    /// Nothing: the key stands alone.
    Flag,
}

/// One key.
pub(crate) struct Key {
    /// The name, which is also that of the builder's method.
    pub(crate) name: &'static str,
    pub(crate) kinds: &'static [Kind],
    pub(crate) shape: Shape,
    /// `key = value`, as users may write it.
    pub(crate) example: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "only the tests, which compare the documentation, read it"))]
    pub(crate) default: &'static str,
    /// Sentences that begin with a verb.
    pub(crate) doc: &'static str,
}

impl Key {
    /// Returns the first sentence of the documentation, as it continues another one.
    pub(crate) fn purpose(&self) -> String {
        let first = self.doc.trim().split(". ").next().unwrap_or_default().trim_end_matches('.');
        first[..1].to_lowercase() + &first[1..]
    }
}

const DAEMONS: &[Kind] = &[Kind::Run, Kind::Step, Kind::Message];
const STEP: &[Kind] = &[Kind::Step];
const MESSAGE: &[Kind] = &[Kind::Message];
const INSTANCE: &[Kind] = &[Kind::Instance];
const RETRY: &[Kind] = &[Kind::Retry];

const STDIO: Shape = Shape::PathOr("Stdio", &["null", "inherit"]);
const THREADS: Shape = Shape::Count(32_768, "each worker is a thread");

macro_rules! keys {
    ($($kinds:ident { $($(#[doc = $doc:literal])+ $name:ident: $shape:expr, $value:literal, $default:literal;)+ })+) => {
        pub(crate) const KEYS: &[Key] = &[$($(Key {
            name: stringify!($name),
            kinds: $kinds,
            shape: $shape,
            example: concat!(stringify!($name), $value),
            default: $default,
            doc: concat!($($doc),+),
        }),+),+];
    };
}

// Attributes, and for each of their keys: what it does, its shape, an example of its value, its default.
keys! {
    DAEMONS {
        /// Sets the name in messages, in syslog and of the default pidfile.
        name: Shape::Name, r#" = "sleepy""#, "the function's; on `main` the program's";
        /// Names the companion, where a `mod` or a type has the function's name already.
        companion: Shape::Companion, " = Sleepy", "the function's name";
        /// Sets the path of the pidfile, or `none`. `~` (the home of the passwd entry) and `$VAR` are expanded.
        pidfile: Shape::PathOr("", &["none"]), r#" = "~/sleepy.pid""#,
            "`/run/NAME.pid`; not root: `~/.local/state/NAME@HOST.pid`; in a systemd unit: in its `RuntimeDirectory=`";
        /// Sets the mode of the pidfile. Only its owner may write it.
        pidfile_mode: Shape::PrivateMode, " = 0o640", "`0o644`";
        /// Sets what signals do: `{ SIGHUP => reload, USR1 => [one, two], SIGQUIT => ignore, SIGUSR2 => default }`. Handlers
        /// are functions or closures, `FnMut()` or `FnMut(Signal)`; one named `ignore` or `default` is `self::ignore`.
        signals: Shape::Signals, " = { SIGHUP => reload }", "–";
        /// Sets whether to detach: `always`, `never`, or `auto`, unless something supervises this process already.
        detach: Shape::Words("Detach", &["auto", "always", "never"]), " = never", "`auto`";
        /// Sets the directory in which the daemon runs.
        working_directory: Shape::Path, r#" = "/srv""#, "`/`";
        /// Sets the umask.
        umask: Shape::Mode, " = 0o027", "`0o077`";
        /// Changes to this user for good, by name or number. `HOME`, `USER`, `LOGNAME` and `SHELL` are set for that user,
        /// and root's session keyring is left.
        user: Shape::Account, r#" = "www-data""#, "unchanged";
        /// Changes to this group for good, by name or number.
        group: Shape::Account, r#" = "www-data""#, "that of the `user`";
        /// Sets whether to take on the user's supplementary groups. The launcher's are given up in any case.
        init_groups: Shape::Bool, " = false", "`true`";
        /// Sets a new root directory; needs a `user`.
        chroot: Shape::Path, r#" = "/srv/jail""#, "–";
        /// Sets whether the daemon may dump core.
        core_dumps: Shape::Bool, " = true", "`false`";
        /// Keeps these descriptors open regardless of `close`.
        inherit: Shape::Descriptors, " = [3, 4]", "–";
        /// Sets which descriptors from 3 on are closed: those that leaked in through exec, `all`, or `none`.
        close: Shape::Words("Close", &["inherited", "all", "none"]), " = all", "`inherited`";
        /// Sets standard input: a path, `null`, `inherit`, or any open file.
        stdin: STDIO, " = null", "`null`";
        /// Sets standard output: a path (appended to, and opened again on SIGHUP), `null`, `inherit`, or any open file.
        stdout: STDIO, r#" = "/var/log/sleepy.log""#, "`null`";
        /// Sets standard error, as `stdout` sets standard output.
        stderr: STDIO, r#" = "/var/log/sleepy.log""#, "`null`";
        /// Sets both `stdout` and `stderr`, but only where the daemon detaches: in the foreground and under systemd the
        /// manager keeps the output.
        log: STDIO, r#" = "/var/log/sleepy.log""#, "–";
        /// Sets when the daemon is ready: `auto`, `entered` or `manual`. `auto`: when the body first calls `daemon::sleep()`,
        /// `daemon::stopping()`, … or has run for 100 ms; `entered`: at once; `manual`: when it calls `daemon::ready()`.
        ready: Shape::Words("Ready", &["auto", "entered", "manual"]), " = manual", "`auto`";
        /// Calls a function, `FnMut(&[u8])`, with what the starting daemon prints, as it comes.
        on_output: Shape::Function, " = show", "–";
        /// Limits the time of a start. One that takes longer is undone, and fails.
        start_timeout: Shape::Duration, r#" = "5s""#, r#"`"60s"`"#;
        /// Sets how long `stop` waits before it kills.
        stop_timeout: Shape::Duration, r#" = "30s""#, "`grace` + 5 s";
        /// Sets the time that handlers and body have to end after a stop signal.
        grace: Shape::Duration, r#" = "2s""#,
            r#"`"10s"`; as process 1 of a container `"8s"`; under a monitor 80 % of the time after which that kills"#;
        /// Sets whether `stop` kills what does not end in time.
        kill: Shape::Bool, " = false", "`true`";
        /// Adds hooks to the nine stages: `{ before(Umask) => f, after(PidFile) => [g, h], replace(Stdio) => i }`.
        hooks: Shape::Hooks, " = { before(Umask) => prepare }", "–";
        /// Sets the runtime of an `async fn`: `multi_thread`, or `current_thread` for all tasks in the first thread.
        runtime: Shape::Words("Runtime", &["multi_thread", "current_thread"]), " = current_thread", "`multi_thread`";
        /// Sets how many threads run the tasks of an `async fn`.
        worker_threads: THREADS, " = 4", "one per processor";
        /// Opens an endpoint, with the feature `control`: alone, with an address of this machine, or with an `Endpoint`.
        control: Shape::Control, r#" = "127.0.0.1:0""#, "–";
        /// Calls a `fn(Daemon) -> Daemon` for everything else. It comes last.
        configure: Shape::Function, " = more_settings", "–";
        /// Sets the path of this library, if it was renamed.
        crate: Shape::Root, " = ::daemon", "`::daemon`";
    }
    STEP {
        /// Sets the pace of steps, from the beginning of one to the beginning of the next.
        every: Shape::Duration, r#" = "1s""#, "at once";
    }
    MESSAGE {
        /// Sets the function or closure that returns the next message: `Option<T>` or `Result<Option<T>, E>`, where `T` is
        /// the message or a `Delivery` of it. It is evaluated in the verb that starts.
        from: Shape::Function, " = next_job", "required";
        /// Sets how many messages are handled at the same time, each in a thread of its own.
        pool_size: THREADS, " = 8", "`100`";
        /// Sets the wait before `from` is called again after it had no message.
        idle_time: Shape::Duration, r#" = "1s""#, r#"`"100ms"`"#;
        /// Sets the time that all receipts of interrupted messages have together after `grace`.
        nack_timeout: Shape::Duration, r#" = "2s""#, r#"`grace` / 5, `"1s"` to `"2s"`"#;
        /// Sets when a message whose handler failed is handled again: `{ delay = "1s", max_delay = "1m", attempts = 5 }`, or
        /// a `daemon::messages::Retry`.
        retry: Shape::Retry, " = { attempts = 5 }", "after 1 s to 1 min, without end";
    }
    RETRY {
        /// Sets the wait before the second attempt. Each further wait is twice as long.
        delay: Shape::Duration, r#" = "1s""#, r#"`"1s"`"#;
        /// Limits the wait before an attempt.
        max_delay: Shape::Duration, r#" = "1m""#, r#"`"1m"`"#;
        /// Limits how often a message is handled, the first attempt included.
        attempts: Shape::Count(u32::MAX as u64, "the first attempt counts"), " = 5", "without end";
    }
    INSTANCE {
        /// Sets the name of the application.
        name: Shape::Name, r#" = "my_app""#, "that of the package";
        /// Sets the directory of the pidfile and the socket.
        app_dir: Shape::Any, r#" = "/srv/my_app""#, "that of the application's data";
        /// Listens at a TCP address of this machine too, as `Instance::address` does.
        address: Shape::Any, r#" = "127.0.0.1:0""#, "–";
        /// Asks for no token over TCP, so that every user of this machine may command the instance.
        without_token: Shape::Flag, "", "–";
        /// Calls a function or closure, `async` or not, for each later launch. It takes an `Activation` and returns whatever a
        /// handler of events may.
        on_open: Shape::Any, " = open", "–";
        /// Calls a function or closure from `Instance` to `Instance` for everything else.
        configure: Shape::Any, " = more_settings", "–";
        /// Sets the path of this library, if it was renamed.
        crate: Shape::Root, " = ::daemon", "`::daemon`";
    }
}

/// Words that people try, the key to write instead, and what is different about it.
pub(crate) const TRIED: &[(&str, &str, &str)] = &[
    ("cwd workdir work_dir working_dir chdir dir directory", "working_directory", "it is `/` unless it is set"),
    ("timeout", "start_timeout", "it limits a start, `stop_timeout` a stop, `grace` what follows a stop signal"),
    ("foreground daemonize background", "detach", "`detach = never` stays in the foreground, as `foreground()` does"),
    ("user_id uid username setuid chown_pid_file", "user", "it takes a name or a number, and owns the pidfile too"),
    ("group_id gid groupname setgid", "group", "it takes a name or a number"),
    ("pid_file pid pid_path lockfile lock_file", "pidfile", "it is one word"),
    ("logfile log_file logger logging output", "log", "it takes a path for both stdout and stderr"),
    ("interval period pace", "every", "it counts from the beginning of one step to that of the next"),
    ("source queue fetch receive", "from", "it takes a function that returns the next message"),
    ("threads workers concurrency pool", "pool_size", "it is the number of messages that are handled at once"),
    ("threads workers", "worker_threads", "it belongs to an `async fn`"),
    ("retries max_attempts tries", "retry", "write `retry = { attempts = 5 }`"),
    ("retries max_attempts tries", "attempts", "the first attempt counts"),
    ("handlers on_signal sigterm sighup", "signals", "write `signals = { SIGHUP => reload }`"),
    ("root jail", "chroot", "it needs a `user`"),
    ("fds keep_fds descriptors", "inherit", "it lists the descriptors that stay open"),
    ("notify on_ready", "ready", "write `ready = manual`, and call `daemon::ready()` in the body"),
    ("before after privileged_action exit_action", "hooks", "write `hooks = { after(PidFile) => prepare }`"),
];

/// Returns the keys that the attribute takes.
pub(crate) fn of(kind: Kind) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.kinds.contains(&kind))
}

/// Returns the key of that name, or why the attribute has no such key.
pub(crate) fn find(kind: Kind, name: &str) -> Result<&'static Key, String> {
    if let Some(key) = of(kind).find(|key| key.name == name) {
        if matches!(key.shape, Shape::Control) && !cfg!(feature = "control") {
            return Err("`control` needs the feature `control` of `daemonic`, which brings the endpoint".into());
        }
        return Ok(key);
    }
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return Err(format!("`{name}` does not belong to `{kind}`, but to {}: it {}", owners(key), key.purpose()));
    }
    if name == "cli" {
        return Err(format!("`cli` does not belong to `{kind}`: it is reserved for command lines"));
    }
    let names: Vec<&str> = of(kind).map(|key| key.name).collect();
    let tried = TRIED.iter().find(|(words, key, _)| words.split(' ').any(|word| word == name) && names.contains(key));
    Err(match tried {
        Some((_, key, difference)) => format!("unknown key `{name}`, write `{key}`: {difference}"),
        None => format!("unknown key `{name}`{}", suggest::hint(name, &names)),
    })
}

fn owners(key: &Key) -> String {
    let kinds: Vec<String> = key.kinds.iter().map(|kind| format!("`{kind}`")).collect();
    suggest::alternatives(&kinds)
}
