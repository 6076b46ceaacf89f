//! The keys of the attributes. Parsing, checks, hints and the tables of the documentation come from this table.

use crate::kind::Kind;
use crate::shape::Shape;

/// One key.
pub(crate) struct Key {
    /// The name, of the key and of the builder's method.
    pub(crate) name: &'static str,
    pub(crate) kinds: &'static [Kind],
    pub(crate) shape: Shape,
    /// A valid `key = value`.
    pub(crate) example: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "only the tests, which compare the documentation, read it"))]
    pub(crate) default: &'static str,
    /// The documentation: sentences that begin with a verb.
    pub(crate) doc: &'static str,
}

impl Key {
    /// Returns the first sentence of the documentation, to be continued from "it …".
    pub(crate) fn purpose(&self) -> String {
        let first = self.doc.trim().split(". ").next().unwrap_or_default().trim_end_matches('.');
        first[..1].to_lowercase() + &first[1..]
    }
}

const DAEMONS: &[Kind] = &[Kind::Run, Kind::Step, Kind::Message];
const STEP: &[Kind] = &[Kind::Step];
const MESSAGE: &[Kind] = &[Kind::Message];
const INSTANCE: &[Kind] = &[Kind::Instance];
const INIT: &[Kind] = &[Kind::Init];
const RETRY: &[Kind] = &[Kind::Retry];
const LOG: &[Kind] = &[Kind::Log];
const CLI: &[Kind] = &[Kind::Cli];
const SERVICE: &[Kind] = &[Kind::Service];

/// A path, or a word for one of the other streams.
pub(crate) const STDIO: Shape = Shape::PathOr("settings::Stdio", &["null", "inherit"]);
const THREADS: Shape = Shape::Count(1, 32_768, "each worker is a thread");

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

// For each attribute its keys: documentation, type, an example of a value, the default.
keys! {
    DAEMONS {
        /// Sets the name in messages, in syslog and of the default pidfile.
        name: Shape::Name, r#" = "sleepy""#, "the function's; on `main` the program's";
        /// Sets the name of the companion, if a `mod` or a type has the function's name already.
        companion: Shape::Companion, " = Sleepy", "the function's name";
        /// Sets the path of the pidfile, or `none`. `~` (the home of the passwd entry) and `$VAR` are expanded.
        pidfile: Shape::PathOr("", &["none"]), r#" = "~/sleepy.pid""#,
            "`/run/NAME.pid`; not root: `~/.local/state/NAME@HOST.pid`; in a systemd unit: in its `RuntimeDirectory=`";
        /// Sets the mode of the pidfile. Only its owner may write it.
        pidfile_mode: Shape::PrivateMode, " = 0o640", "`0o644`";
        /// Sets what signals do: `{ SIGHUP => reload, USR1 => [one, two], SIGQUIT => ignore, SIGUSR2 => default }`. Handlers
        /// are functions or closures, `FnMut()` or `FnMut(Signal)`; one named `ignore` or `default` is `self::ignore`.
        signals: Shape::Signals, " = { SIGHUP => reload }", "–";
        /// Sets whether to detach: `always`, `never`, or `auto`, which detaches unless a supervisor started the process.
        detach: Shape::Words("settings::Detach", &["auto", "always", "never"]), " = never", "`auto`";
        /// Sets the directory in which the daemon runs.
        working_directory: Shape::Path, r#" = "/srv""#, "`/`";
        /// Sets the umask.
        umask: Shape::Mode, " = 0o027", "`0o077`";
        /// Changes to this user permanently, by name or number. Sets `HOME`, `USER`, `LOGNAME` and `SHELL` for that user,
        /// and leaves root's session keyring.
        user: Shape::Account, r#" = "www-data""#, "unchanged";
        /// Changes to this group permanently, by name or number.
        group: Shape::Account, r#" = "www-data""#, "that of the `user`";
        /// Sets whether to join the user's supplementary groups. The launcher's groups are always dropped.
        init_groups: Shape::Bool, " = false", "`true`";
        /// Sets a new root directory; needs a `user`.
        chroot: Shape::Path, r#" = "/srv/jail""#, "–";
        /// Keeps these capabilities of root when the `user` changes, and in a unit: `AmbientCapabilities=`. A bare name in the
        /// list is a constant of `daemon::settings::Capability`.
        capabilities: Shape::Capabilities, " = [NET_BIND_SERVICE]", "–";
        /// Sets whether programs that the daemon executes can gain no privileges.
        no_new_privs: Shape::Bool, " = false", "`true` with a `user`";
        /// Sets whether the daemon may dump core.
        core_dumps: Shape::Bool, " = true", "`false`";
        /// Keeps these file descriptors open, regardless of `close`.
        inherit: Shape::Descriptors, " = [3, 4]", "–";
        /// Sets which file descriptors from 3 on are closed: `inherited` (those that were open at exec), `all`, or `none`.
        close: Shape::Words("settings::Close", &["inherited", "all", "none"]), " = all", "`inherited`";
        /// Sets standard input: a path, `null`, `inherit`, or any open file.
        stdin: STDIO, " = null", "`null`";
        /// Sets standard output: a path (appended to, and opened again on SIGHUP), `null`, `inherit`, or any open file.
        stdout: STDIO, r#" = "/var/log/sleepy.log""#, "`null`";
        /// Sets standard error, as `stdout` sets standard output.
        stderr: STDIO, r#" = "/var/log/sleepy.log""#, "`null`";
        /// Sets both `stdout` and `stderr`, but only where the daemon detaches: in the foreground and under systemd the
        /// manager keeps the output. `log(…)` limits the size of the file or adds timestamps.
        log: Shape::Log, r#" = "/var/log/sleepy.log""#, "–; with `cli` the default path";
        /// Sets when the daemon is ready: `auto`, `entered` or `manual`. `auto`: when the body first calls `daemon::sleep()`,
        /// `daemon::stopping()`, … or has run for 100 ms; `entered`: at once; `manual`: when it calls `daemon::ready()`.
        ready: Shape::Words("settings::Ready", &["auto", "entered", "manual"]), " = manual", "`auto`";
        /// Calls a function, `FnMut(&[u8])`, with the output of the starting daemon, as soon as it arrives.
        on_output: Shape::Function, " = show", "–";
        /// Limits the time of a start. A start that takes longer fails and is undone.
        start_timeout: Shape::Duration, r#" = "5s""#, r#"`"60s"`"#;
        /// Sets how long `stop` waits before it kills the daemon.
        stop_timeout: Shape::Duration, r#" = "30s""#, "`grace` + 5 s";
        /// Sets how long handlers and body may run after a stop signal.
        grace: Shape::Duration, r#" = "2s""#,
            r#"`"10s"`; as process 1 of a container `"8s"`; under a monitor 80 % of the time after which that kills"#;
        /// Sets whether `stop` kills a daemon that does not end in time.
        kill: Shape::Bool, " = false", "`true`";
        /// Adds hooks to the nine stages: `{ before(Umask) => f, after(PidFile) => [g, h], replace(Stdio) => i }`.
        hooks: Shape::Hooks, " = { before(Umask) => prepare }", "–";
        /// Sets the runtime of an `async fn`: `multi_thread`, or `current_thread` for all tasks in the first thread.
        runtime: Shape::Words("settings::Runtime", &["multi_thread", "current_thread"]), " = current_thread", "`multi_thread`";
        /// Sets how many threads run the tasks of an `async fn`.
        worker_threads: THREADS, " = 4", "one per processor";
        /// Opens an HTTP endpoint (feature `control`): alone, with a loopback address, or with an `Endpoint`.
        control: Shape::Control, r#" = "127.0.0.1:0""#, "–";
        /// Makes a daemon on demand (feature `on-demand`): the companion's `connect` starts it if it does not run, and it exits when
        /// it has been idle for this long. The body takes its clients from `daemon::clients()` or `daemon::accept()`.
        on_demand: Shape::Duration, r#" = "10m""#, "–";
        /// Sets how the daemon is launched: `fork`, or `exec` (feature `exec`), which starts it in a fresh execution of the program,
        /// from any thread. With `exec` the program calls `daemon::init()` first, and the arguments implement `serde::Serialize`
        /// and `serde::de::DeserializeOwned`.
        launch: Shape::Choice(&["exec", "fork"]), " = exec", "`fork`; with `on_demand` `exec`";
        /// Sets what a client does when the running daemon is of another build: `restart_when_idle`, `restart_now`, `keep` or
        /// `refuse`.
        on_mismatch: Shape::Words("on_demand::OnMismatch", &["restart_when_idle", "restart_now", "keep", "refuse"]),
            " = restart_now", "`restart_when_idle`";
        /// Sets how long a client waits for the daemon's greeting until it takes the daemon for wedged and replaces it.
        greeting_timeout: Shape::Duration, r#" = "2s""#, r#"`"10s"`"#;
        /// Limits the time of `connect`, a start included.
        connect_timeout: Shape::Duration, r#" = "20s""#, "`start_timeout`";
        /// Sets the number of the protocol that client and daemon speak, which orders their builds before the version does.
        protocol: Shape::Count(0, u32::MAX as u64, "it is a `u32`"), " = 3", "`1`";
        /// Sets a string that must be the same for client and daemon, or they count as other builds.
        constraint: Shape::Text, " = config_hash()", "–";
        /// Sets the environment of a daemon that is launched by exec: `clean`, `inherit`, or a list of the variables that it inherits.
        /// `clean` is that of a login, without the variables of the terminal and the tool that start the daemon.
        environment: Shape::Environment, r#" = ["LANG", "PATH"]"#, "`inherit`; with `on_demand` `clean`";
        /// Moves the daemon out of the systemd scope of the login session that starts it (feature `scope`). Written alone, or
        /// `scope = false`.
        scope: Shape::Switch, "", "with `on_demand` and the feature `scope`";
        /// Stops the daemon when another process ends: `parent`, the process that starts it, or `launcher_parent`, the parent
        /// of that process. On `main` and for `dispatch` both are the process that started the program.
        ends_with: Shape::Words("settings::EndsWith", &["parent", "launcher_parent"]), " = parent", "–";
        /// Makes the program of `main` a command line (feature `cli`) with `start`, `stop`, `status`, `logs` and other verbs:
        /// alone, or with `cli(default = run)`. The other keys may then use the parameter of `main`, the parsed arguments.
        cli: Shape::Cli, "", "–";
        /// Sets what the service definition contains that `service install` writes (feature `cli`): `service(…)`, or a
        /// `daemon::cli::Service`.
        service: Shape::Service, r#"(hardening = strict, watchdog = "30s")"#, "–";
        /// Calls a `fn(Daemon) -> Daemon` for settings without a key, after all other keys.
        configure: Shape::Function, " = more_settings", "–";
        /// Sets the path of this library, if it was renamed.
        crate: Shape::CratePath, " = ::daemon", "`::daemon`";
    }
    STEP {
        /// Sets the interval of steps, from the start of one to the start of the next.
        every: Shape::Duration, r#" = "1s""#, "at once";
    }
    MESSAGE {
        /// Sets the function or closure that returns the next message: `Option<T>` or `Result<Option<T>, E>`, where `T` is
        /// the message or a `Delivery` of it. The expression is evaluated by `start`, `restart` and `foreground`.
        from: Shape::Function, " = next_job", "required";
        /// Sets how many messages are handled concurrently, each in its own thread.
        pool_size: THREADS, " = 8", "`100`";
        /// Sets the delay before `from` is called again after it returned no message.
        idle_time: Shape::Duration, r#" = "1s""#, r#"`"100ms"`"#;
        /// Limits the time after `grace` in which all interrupted messages are returned to their source.
        nack_timeout: Shape::Duration, r#" = "2s""#, r#"`grace` / 5, `"1s"` to `"2s"`"#;
        /// Sets when a message whose handler failed is handled again: `{ delay = "1s", max_delay = "1m", attempts = 5 }`, or
        /// a `daemon::messages::Retry`.
        retry: Shape::Retry, " = { attempts = 5 }", "after 1 s to 1 min, unlimited";
    }
    RETRY {
        /// Sets the delay before the second attempt. Each further delay is twice as long.
        delay: Shape::Duration, r#" = "1s""#, r#"`"1s"`"#;
        /// Limits the delay before an attempt.
        max_delay: Shape::Duration, r#" = "1m""#, r#"`"1m"`"#;
        /// Limits the number of attempts, the first included.
        attempts: Shape::Count(1, u32::MAX as u64, "the first attempt counts"), " = 5", "unlimited";
    }
    LOG {
        /// Sets the path of the file, as `log = "…"` does.
        path: Shape::Path, r#" = "/var/log/sleepy.log""#,
            "`/var/log/NAME/NAME.log`; not root: `~/.local/state/NAME@HOST.log`";
        /// Limits the size of the file: a larger one is renamed, and a new one begun. A string with a unit, an expression of
        /// type `u64`, or `0` for a file without a limit.
        max_size: Shape::Size, r#" = "10MiB""#, r#"unlimited; with `cli` `"10MiB"`"#;
        /// Sets how many old files are kept, which are called `sleepy.log.1` and so on.
        keep: Shape::Count(0, 999, "each rotation renames all old files"), " = 3", "`1`";
        /// Begins each line with the time in UTC. Written alone, or with a `bool`.
        timestamps: Shape::Switch, "", "–";
    }
    CLI {
        /// Sets the verb of a call without a verb: `run`, `start`, `help`, or `auto`, which is `run`, but `help` on a terminal.
        default: Shape::Words("cli::DefaultVerb", &["auto", "run", "start", "help"]), " = run", "`auto`";
    }
    SERVICE {
        /// Sets how far a systemd unit restricts the program: `off`, `standard` or `strict`.
        hardening: Shape::Words("cli::Hardening", &["off", "standard", "strict"]), " = strict", "`standard`";
        /// Sets the interval of systemd's watchdog.
        watchdog: Shape::Duration, r#" = "30s""#, "–";
        /// Sets when the service manager restarts the program: `never`, `on_failure` or `always`.
        restart: Shape::Words("cli::RestartPolicy", &["never", "on_failure", "always"]), " = always", "`on_failure`";
        /// Adds a socket that systemd opens for the program, or each socket of a list.
        socket: Shape::Sockets, r#" = "80""#, "–";
        /// Sets the file from which the service manager reads environment variables.
        environment_file: Shape::Path, r#" = "/etc/sleepy.env""#, "–";
    }
    INSTANCE {
        /// Sets the name of the application.
        name: Shape::Name, r#" = "my_app""#, "that of the package";
        /// Sets the directory of the pidfile and the socket.
        app_dir: Shape::Any, r#" = "/srv/my_app""#, "that of the application's data";
        /// Listens on a TCP loopback address too, as `Instance::address` does.
        address: Shape::Any, r#" = "127.0.0.1:0""#, "–";
        /// Requires no token over TCP, so that every user of this machine can send events to the instance.
        without_token: Shape::Flag, "", "–";
        /// Calls a function or closure, `async` or not, for each later launch. It takes an `Activation`, and returns any
        /// type that a handler of events may return.
        on_open: Shape::Any, " = open", "–";
        /// Calls a function or closure from `Instance` to `Instance` for settings without a key.
        configure: Shape::Any, " = more_settings", "–";
        /// Sets the path of this library, if it was renamed.
        crate: Shape::CratePath, " = ::daemon", "`::daemon`";
    }
    INIT {
        /// Sets the path of this library, if it was renamed.
        crate: Shape::CratePath, " = ::daemon", "`::daemon`";
    }
}

/// Returns the keys that the attribute takes.
pub(crate) fn of(kind: Kind) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.kinds.contains(&kind))
}

/// Returns the attribute's key of that name.
pub(crate) fn find(kind: Kind, name: &str) -> Option<&'static Key> {
    of(kind).find(|key| key.name == name)
}
