//! From `key=value` arguments to an experiment: a configured daemon and what it does.

use std::os::fd::RawFd;
use std::str::FromStr;
use std::time::Duration;

use daemon::{Capability, Close, Daemon, Detach, PidFile, Ready, Retry, Signal, Stage, Stdio};

use crate::act::{self, Act};
use crate::beside::Beside;
use crate::inbox::Inbox;

/// A verb, and everything it is about.
pub(crate) struct Experiment {
    pub(crate) verb: String,
    pub(crate) daemon: Daemon,
    /// What the body does; `idle` unless told.
    pub(crate) body: Vec<Act>,
    /// Whether the body is a step, and how long a step waits for the next one.
    pub(crate) step: bool,
    /// Where the messages come from, if the body handles any.
    pub(crate) inbox: Option<Inbox>,
    /// What happens before the verb and after it.
    pub(crate) first: Vec<Act>,
    pub(crate) last: Vec<Act>,
    /// What `send` sends.
    pub(crate) signal: Signal,
    /// How often `cycle` goes round.
    pub(crate) times: usize,
    /// What lives beside the body, if anything does.
    beside: Option<Beside>,
    /// Whether a launcher goes on after a start, instead of ending by `Started::report`.
    pub(crate) live_on: bool,
}

/// Parses `VERB key=value …`.
pub(crate) fn parse(arguments: &[String]) -> Result<Experiment, String> {
    let (verb, settings) = arguments.split_first().ok_or("which verb?")?;
    let mut experiment = Experiment {
        verb: verb.clone(),
        daemon: Daemon::new("lab"),
        body: vec![Act::Idle],
        step: false,
        inbox: None,
        first: Vec::new(),
        last: Vec::new(),
        signal: Signal::from(nix::sys::signal::Signal::SIGTERM),
        times: 1,
        beside: None,
        live_on: false,
    };
    for setting in settings {
        let (key, value) = setting.split_once('=').ok_or_else(|| format!("`{setting}` is no `key=value`"))?;
        experiment = experiment.with(key, value)?;
    }
    if let Some(beside) = experiment.beside.take() {
        experiment.daemon = experiment.daemon.attach(beside);
    }
    Ok(experiment)
}

impl Experiment {
    fn with(mut self, key: &str, value: &str) -> Result<Self, String> {
        match key {
            "body" => self.body = act::parse(value)?,
            "step" => (self.body, self.step) = (act::parse(value)?, true),
            "inbox" => value.clone_into(&mut self.inbox.get_or_insert_default().file),
            "told" => self.inbox.get_or_insert_default().told = Some(value.to_owned()),
            "ack" => self.inbox.get_or_insert_default().ack = act::parse(value)?,
            "nack" => self.inbox.get_or_insert_default().nack = act::parse(value)?,
            "requeue" => self.inbox.get_or_insert_default().requeue = flag(value)?,
            "left" => self.inbox.get_or_insert_default().left = act::parse(value)?,
            "first" => self.first = act::parse(value)?,
            "last" => self.last = act::parse(value)?,
            "signal" => self.signal = signal(value)?,
            "times" => self.times = act::number(key, value)?,
            "beside" => self.beside.get_or_insert_default().does(value)?,
            "address" => self.beside.get_or_insert_default().is_at(value),
            "live_on" => self.live_on = flag(value)?,
            _ => self.daemon = configure(self.daemon, key, value)?,
        }
        Ok(self)
    }
}

/// Every key is the builder method of the same name.
fn configure(daemon: Daemon, key: &str, value: &str) -> Result<Daemon, String> {
    Ok(match key {
        "name" => daemon.name(value),
        "pidfile" if value == "none" => daemon.no_pidfile(),
        "pidfile" => daemon.pidfile(value),
        "held" => daemon.with_pidfile(PidFile::lock(value).map_err(|error| error.to_string())?),
        "pidfile_mode" => daemon.pidfile_mode(octal(value)?),
        "detach" => daemon
            .detach(one_of(value, &[("auto", Detach::Auto), ("always", Detach::Always), ("never", Detach::Never)])?),
        "working_directory" => daemon.working_directory(value),
        "umask" => daemon.umask(octal(value)?),
        "user" => daemon.user(value),
        "group" => daemon.group(value),
        "init_groups" => daemon.init_groups(flag(value)?),
        "chroot" => daemon.chroot(value),
        "capabilities" => daemon.capabilities(capabilities(value)?),
        "no_new_privs" => daemon.no_new_privs(flag(value)?),
        "core_dumps" => daemon.core_dumps(flag(value)?),
        "inherit" => daemon.inherit(descriptors(value)?),
        "close" => {
            daemon.close(one_of(value, &[("inherited", Close::Inherited), ("all", Close::All), ("none", Close::None)])?)
        }
        "stdin" => daemon.stdin(stream(value)),
        "stdout" => daemon.stdout(stream(value)),
        "stderr" => daemon.stderr(stream(value)),
        "log" => daemon.log(stream(value)),
        "on_output" => {
            let acts = act::parse(value)?;
            daemon.on_output(move |output| {
                print!("seen {:?};", String::from_utf8_lossy(output));
                act::perform(&acts).expect("the acts of `on_output`");
            })
        }
        "ready" => daemon.ready(one_of(value, &READY)?),
        "start_timeout" => daemon.start_timeout(duration(value)?),
        "stop_timeout" => daemon.stop_timeout(duration(value)?),
        "lock_timeout" => daemon.lock_timeout(duration(value)?),
        "grace" => daemon.grace(duration(value)?),
        "every" => daemon.every(duration(value)?),
        "pool_size" => daemon.pool_size(act::number::<usize>(key, value)?),
        "idle_time" => daemon.idle_time(duration(value)?),
        "nack_timeout" => daemon.nack_timeout(duration(value)?),
        "retry" => daemon.retry(retry(value)?),
        "kill" => daemon.kill(flag(value)?),
        "handle" => handled(daemon, value)?,
        "ignore" => daemon.ignore(signal(value)?),
        "default" => daemon.default_action(signal(value)?),
        "before" | "after" | "replace" => hooked(daemon, key, value)?,
        _ => return Err(format!("unknown key `{key}`")),
    })
}

/// `DELAY:MAX_DELAY` in milliseconds, or `DELAY:MAX_DELAY:ATTEMPTS`.
fn retry(value: &str) -> Result<Retry, String> {
    match value.split(':').collect::<Vec<_>>()[..] {
        [delay, max_delay] => Ok(Retry::new().delay(duration(delay)?).max_delay(duration(max_delay)?)),
        [delay, max_delay, attempts] => {
            let retry = Retry::new().delay(duration(delay)?).max_delay(duration(max_delay)?);
            Ok(retry.attempts(act::number("retry", attempts)?))
        }
        _ => Err("`retry` wants `DELAY:MAX_DELAY` or `DELAY:MAX_DELAY:ATTEMPTS`".to_owned()),
    }
}

/// `SIGNAL:act,act`
fn handled(daemon: Daemon, value: &str) -> Result<Daemon, String> {
    let (name, acts) = value.split_once(':').ok_or("`handle` wants `SIGNAL:acts`")?;
    let acts = act::parse(acts)?;
    Ok(daemon.handle(signal(name)?, move || act::perform(&acts)))
}

/// `Stage:act,act`
fn hooked(daemon: Daemon, when: &str, value: &str) -> Result<Daemon, String> {
    let (stage, acts) = value.split_once(':').ok_or_else(|| format!("`{when}` wants `Stage:acts`"))?;
    let (stage, acts) = (one_of(stage, &STAGES)?, act::parse(acts)?);
    let hook = move || act::perform(&acts);
    Ok(match when {
        "before" => daemon.before(stage, hook),
        "after" => daemon.after(stage, hook),
        _ => daemon.replace(stage, hook),
    })
}

const READY: [(&str, Ready); 3] = [("auto", Ready::Auto), ("entered", Ready::Entered), ("manual", Ready::Manual)];

const STAGES: [(&str, Stage); 9] = [
    ("Detach", Stage::Detach),
    ("CoreDumps", Stage::CoreDumps),
    ("Identity", Stage::Identity),
    ("Umask", Stage::Umask),
    ("WorkingDirectory", Stage::WorkingDirectory),
    ("PidFile", Stage::PidFile),
    ("Signals", Stage::Signals),
    ("Descriptors", Stage::Descriptors),
    ("Stdio", Stage::Stdio),
];

fn one_of<T: Clone>(word: &str, all: &[(&str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| value.clone()).ok_or_else(|| format!("unknown word `{word}`"))
}

/// A signal by name, or by a number that need not be one.
fn signal(value: &str) -> Result<Signal, String> {
    match value.parse::<i32>() {
        Ok(number) => Ok(Signal::from(number)),
        Err(_) => act::signal(value).map(Signal::from),
    }
}

fn stream(value: &str) -> Stdio {
    match value {
        "null" => Stdio::Null,
        "keep" => Stdio::Keep,
        _ => match value.strip_prefix("text:") {
            Some(text) => Stdio::text(text),
            None => Stdio::from(value),
        },
    }
}

fn descriptors(value: &str) -> Result<Vec<RawFd>, String> {
    value.split(',').map(|number| act::number(value, number)).collect()
}

fn capabilities(value: &str) -> Result<Vec<Capability>, String> {
    value.split(',').map(|name| name.parse().map_err(|error| format!("{error}"))).collect()
}

/// Milliseconds, or `max` for the longest there is.
fn duration(value: &str) -> Result<Duration, String> {
    if value == "max" {
        return Ok(Duration::MAX);
    }
    act::number(value, value).map(Duration::from_millis)
}

fn flag(value: &str) -> Result<bool, String> {
    bool::from_str(value).map_err(|_| format!("`{value}` is neither true nor false"))
}

fn octal(value: &str) -> Result<u32, String> {
    u32::from_str_radix(value, 8).map_err(|_| format!("`{value}` is no octal number"))
}
