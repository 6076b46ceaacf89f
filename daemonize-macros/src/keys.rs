//! The keys of the attributes: their names, what each wants, and which attribute they belong to.

use std::fmt;

use crate::suggest;

/// Which of the attributes is being expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `#[daemon::run]`
    Run,
    /// `#[daemon::step]`
    Step,
    /// `#[daemon::message]`
    Message,
}

/// The attribute as users write it.
impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Run => "#[daemon::run]",
            Kind::Step => "#[daemon::step]",
            Kind::Message => "#[daemon::message]",
        })
    }
}

/// What the value of a key looks like.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// The daemon's name.
    Name,
    /// The companion's name.
    Companion,
    /// A path in the file system.
    Path,
    /// A path in the file system, or the word `none`.
    PidFile,
    /// Permission bits.
    Mode,
    /// Permission bits of a file that others must not write.
    PrivateMode,
    /// `true` or `false`.
    Bool,
    /// A user or a group, by name or number.
    Account,
    /// Descriptors.
    Descriptors,
    /// One of a few words.
    Words(&'static Words),
    /// A path in the file system, or one of a few words.
    Stream(&'static Words),
    /// A string with a unit.
    Duration,
    /// `{ SIGNAL => action }`
    Signals,
    /// `{ before(Stage) => hook }`
    Hooks,
    /// A function that is given what a starting daemon prints.
    OnOutput,
    /// A function from daemon to daemon.
    Configure,
    /// A function that fetches messages.
    From,
    /// How many messages there may be in work.
    PoolSize,
    /// How many threads there may be.
    Workers,
    /// `{ delay = …, max_delay = …, attempts = … }`
    Retry,
    /// How often something is tried.
    Attempts,
    /// An endpoint, what one is made of, or nothing.
    Control,
    /// The path of the library.
    Root,
}

/// Words, and the enum of the library whose variants they are.
pub(crate) struct Words {
    /// The enum's name.
    pub(crate) group: &'static str,
    /// Each word with its variant.
    pub(crate) words: &'static [(&'static str, &'static str)],
}

impl Words {
    /// The variant that a word stands for.
    pub(crate) fn variant(&self, word: &str) -> Option<&'static str> {
        self.words.iter().find(|(name, _)| *name == word).map(|(_, variant)| *variant)
    }

    /// The words alone.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.words.iter().map(|(name, _)| *name).collect()
    }
}

/// One key.
pub(crate) struct Key {
    /// Its name, which is also the name of the builder's method.
    pub(crate) name: &'static str,
    /// What it wants.
    pub(crate) shape: Shape,
    /// How it is written, for error messages.
    pub(crate) example: &'static str,
}

const DETACH: Words = Words { group: "Detach", words: &[("auto", "Auto"), ("always", "Always"), ("never", "Never")] };
const CLOSE: Words = Words { group: "Close", words: &[("inherited", "Inherited"), ("all", "All"), ("none", "None")] };
const RUNTIME: Words =
    Words { group: "Runtime", words: &[("multi_thread", "MultiThread"), ("current_thread", "CurrentThread")] };
const READY: Words = Words { group: "Ready", words: &[("auto", "Auto"), ("entered", "Entered"), ("manual", "Manual")] };
const STDIO: Words = Words { group: "Stdio", words: &[("null", "Null"), ("keep", "Keep")] };

const fn key(name: &'static str, shape: Shape, example: &'static str) -> Key {
    Key { name, shape, example }
}

const KEYS: &[Key] = &[
    key("name", Shape::Name, r#"name = "sleepy""#),
    key("companion", Shape::Companion, "companion = Sleepy"),
    key("pidfile", Shape::PidFile, r#"pidfile = "~/sleepy.pid""#),
    key("pidfile_mode", Shape::PrivateMode, "pidfile_mode = 0o644"),
    key("signals", Shape::Signals, "signals = { SIGHUP => reload }"),
    key("detach", Shape::Words(&DETACH), "detach = auto"),
    key("working_directory", Shape::Path, r#"working_directory = "/srv""#),
    key("umask", Shape::Mode, "umask = 0o027"),
    key("user", Shape::Account, r#"user = "www-data""#),
    key("group", Shape::Account, r#"group = "www-data""#),
    key("init_groups", Shape::Bool, "init_groups = true"),
    key("chroot", Shape::Path, r#"chroot = "/srv/jail""#),
    key("core_dumps", Shape::Bool, "core_dumps = true"),
    key("inherit", Shape::Descriptors, "inherit = [3]"),
    key("close", Shape::Words(&CLOSE), "close = inherited"),
    key("stdin", Shape::Stream(&STDIO), "stdin = null"),
    key("stdout", Shape::Stream(&STDIO), r#"stdout = "/var/log/sleepy.log""#),
    key("stderr", Shape::Stream(&STDIO), r#"stderr = "/var/log/sleepy.log""#),
    key("log", Shape::Stream(&STDIO), r#"log = "/var/log/sleepy.log""#),
    key("ready", Shape::Words(&READY), "ready = manual"),
    key("on_output", Shape::OnOutput, "on_output = show"),
    key("start_timeout", Shape::Duration, r#"start_timeout = "60s""#),
    key("stop_timeout", Shape::Duration, r#"stop_timeout = "15s""#),
    key("grace", Shape::Duration, r#"grace = "10s""#),
    key("kill", Shape::Bool, "kill = false"),
    key("hooks", Shape::Hooks, "hooks = { before(Umask) => prepare }"),
    key("every", Shape::Duration, r#"every = "1s""#),
    key("from", Shape::From, "from = next_job"),
    key("pool_size", Shape::PoolSize, "pool_size = 100"),
    key("idle_time", Shape::Duration, r#"idle_time = "100ms""#),
    key("nack_timeout", Shape::Duration, r#"nack_timeout = "2s""#),
    key("retry", Shape::Retry, "retry = { attempts = 5 }"),
    key("runtime", Shape::Words(&RUNTIME), "runtime = current_thread"),
    key("worker_threads", Shape::Workers, "worker_threads = 4"),
    key("control", Shape::Control, r#"control = "127.0.0.1:0""#),
    key("configure", Shape::Configure, "configure = more_settings"),
    key("crate", Shape::Root, "crate = ::daemon"),
];

/// Keys that belong to one kind of daemon alone, each with what it is for.
const OWNED: &[(&str, Kind, &str)] = &[
    ("every", Kind::Step, "it paces a `#[daemon::step]`"),
    ("from", Kind::Message, "it says where a `#[daemon::message]` gets its messages"),
    ("pool_size", Kind::Message, "it says how many messages a `#[daemon::message]` handles at once"),
    ("idle_time", Kind::Message, "it says how long a `#[daemon::message]` waits when there is no message"),
    ("nack_timeout", Kind::Message, "it says how long the receipts of a `#[daemon::message]` may take when it ends"),
    ("retry", Kind::Message, "it says when a `#[daemon::message]` handles a message again that failed"),
];

/// The keys of `retry`: the methods of the library's `Retry`.
pub(crate) const OF_RETRY: [Key; 3] = [
    key("delay", Shape::Duration, r#"delay = "1s""#),
    key("max_delay", Shape::Duration, r#"max_delay = "1m""#),
    key("attempts", Shape::Attempts, "attempts = 5"),
];

/// Keys that belong to functions that await.
pub(crate) const OF_ASYNC: [&str; 2] = ["runtime", "worker_threads"];

/// Whether functions that await can be daemons: the library builds their runtime only with its feature `tokio`.
pub(crate) const AWAITS: bool = cfg!(feature = "tokio");

/// Whether there is an endpoint to attach: the library brings it only with its feature `control`.
pub(crate) const CONTROLS: bool = cfg!(feature = "control");

/// Words that are no keys yet, each with what it is for.
const RESERVED: &[(&str, &str)] = &[("cli", "it is reserved for command lines")];

/// The key of that name, or why the attribute has no such key.
pub(crate) fn find(kind: Kind, name: &str) -> Result<&'static Key, String> {
    if let Some(key) = allowed(kind).find(|key| key.name == name) {
        return Ok(key);
    }
    let owned = OWNED.iter().map(|(owned, _, purpose)| (owned, purpose));
    let mut elsewhere = owned.chain(RESERVED.iter().map(|(reserved, purpose)| (reserved, purpose)));
    if let Some((_, purpose)) = elsewhere.find(|(word, _)| **word == name) {
        return Err(format!("`{name}` does not belong to `{kind}`: {purpose}"));
    }
    let names: Vec<&str> = allowed(kind).map(|key| key.name).collect();
    Err(format!("unknown key `{name}`{}", suggest::hint(name, &names)))
}

/// The keys that the attribute takes.
fn allowed(kind: Kind) -> impl Iterator<Item = &'static Key> {
    let owner = |name| OWNED.iter().find(|(owned, ..)| *owned == name).map(|(_, owner, _)| *owner);
    KEYS.iter().filter(move |key| owner(key.name).is_none_or(|owner| owner == kind))
}
