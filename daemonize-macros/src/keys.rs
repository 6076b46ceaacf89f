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
}

/// The attribute as users write it.
impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Run => "#[daemon::run]",
            Kind::Step => "#[daemon::step]",
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
    /// A function from daemon to daemon.
    Configure,
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
const READY: Words = Words { group: "Ready", words: &[("auto", "Auto"), ("manual", "Manual")] };
const STDIO: Words = Words { group: "Stdio", words: &[("null", "Null"), ("keep", "Keep")] };

const fn key(name: &'static str, shape: Shape, example: &'static str) -> Key {
    Key { name, shape, example }
}

const KEYS: &[Key] = &[
    key("name", Shape::Name, r#"name = "sleepy""#),
    key("companion", Shape::Companion, "companion = Sleepy"),
    key("pidfile", Shape::Path, r#"pidfile = "~/sleepy.pid""#),
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
    key("ready", Shape::Words(&READY), "ready = manual"),
    key("start_timeout", Shape::Duration, r#"start_timeout = "60s""#),
    key("stop_timeout", Shape::Duration, r#"stop_timeout = "15s""#),
    key("grace", Shape::Duration, r#"grace = "10s""#),
    key("kill", Shape::Bool, "kill = false"),
    key("hooks", Shape::Hooks, "hooks = { before(Umask) => prepare }"),
    key("every", Shape::Duration, r#"every = "1s""#),
    key("configure", Shape::Configure, "configure = more_settings"),
    key("crate", Shape::Root, "crate = ::daemon"),
];

/// Words that belong elsewhere, each with what it is for.
const RESERVED: &[(&str, &str)] = &[
    ("from", "it is a key of message daemons"),
    ("pool_size", "it is a key of message daemons"),
    ("idle_time", "it is a key of message daemons"),
    ("cli", "it is reserved for command lines"),
    ("runtime", "it is reserved for `async fn`"),
];

/// The key of that name, or why the attribute has no such key.
pub(crate) fn find(kind: Kind, name: &str) -> Result<&'static Key, String> {
    if let Some(key) = allowed(kind).find(|key| key.name == name) {
        return Ok(key);
    }
    if let Some((_, purpose)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
        return Err(format!("`{name}` does not belong to `{kind}`: {purpose}"));
    }
    if name == "every" {
        return Err(format!("`every` does not belong to `{kind}`: it paces a `{}`", Kind::Step));
    }
    let names: Vec<&str> = allowed(kind).map(|key| key.name).collect();
    Err(format!("unknown key `{name}`{}", suggest::hint(name, &names)))
}

/// The keys that the attribute takes.
fn allowed(kind: Kind) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| kind == Kind::Step || key.name != "every")
}
