//! Parses `key=value` arguments into an experiment: a configured daemon and its actions.

use std::os::fd::RawFd;
use std::time::Duration;

use daemon::messages::Retry;
use daemon::settings::{Capability, Close, Detach, EndsWith, Log, Ready, Stage, Stdio};
use daemon::{Daemon, PidFile, Signal};

use look::actions::Failure;

use crate::attachment::Attached;
use crate::bodies::Body;
use crate::messages::Messages;

/// A verb with its daemon, body and settings.
pub(crate) struct Experiment {
    pub(crate) verb: String,
    pub(crate) daemon: Daemon,
    /// The body; `idle` by default.
    pub(crate) body: Body,
    /// `true` if the body is a step.
    pub(crate) step: bool,
    /// The exit status that a body which is no step returns after its actions.
    pub(crate) returns: u8,
    /// The file in which a local of the body notes that it is dropped.
    pub(crate) guard: Option<String>,
    /// The source of the messages, if the daemon handles any.
    pub(crate) messages: Option<Messages>,
    /// The actions before the verb and after it.
    pub(crate) first: Vec<Body>,
    pub(crate) between: Vec<Body>,
    pub(crate) last: Vec<Body>,
    /// The signal of `send`.
    pub(crate) signal: Signal,
    /// The number of rounds of `cycle`.
    pub(crate) times: usize,
    /// The attachment of the daemon, if there is one.
    attached: Option<Attached>,
    /// `true` if a launcher continues after a start, instead of returning `Started::report`.
    pub(crate) continue_after_start: bool,
    /// The stage at which `activate` pauses, and the body that then runs.
    pub(crate) run_to: Option<(Stage, Body)>,
}

/// Parses `VERB key=value …`.
pub(crate) fn parse(arguments: &[String]) -> Result<Experiment, Failure> {
    let (verb, settings) = arguments.split_first().ok_or("which verb?")?;
    let mut experiment = Experiment {
        verb: verb.clone(),
        daemon: Daemon::new("lab"),
        body: Body::default(),
        step: false,
        returns: 0,
        guard: None,
        messages: None,
        first: Vec::new(),
        between: Vec::new(),
        last: Vec::new(),
        signal: Signal::from(nix::sys::signal::Signal::SIGTERM),
        times: 1,
        attached: None,
        continue_after_start: false,
        run_to: None,
    };
    for setting in settings {
        let (key, value) = setting.split_once('=').ok_or_else(|| format!("`{setting}` is not `key=value`"))?;
        experiment = experiment.with(key, value)?;
    }
    if let Some(attached) = experiment.attached.take() {
        experiment.daemon = experiment.daemon.attach(attached);
    }
    Ok(experiment)
}

impl Experiment {
    fn with(mut self, key: &str, value: &str) -> Result<Self, Failure> {
        match key {
            "body" => self.body = Body::parse(value)?,
            "step" => (self.body, self.step) = (Body::parse(value)?, true),
            "returns" => self.returns = value.parse()?,
            "guard" => self.guard = Some(value.to_owned()),
            "inbox" => value.clone_into(&mut self.messages.get_or_insert_default().file),
            "told" => self.messages.get_or_insert_default().told = Some(value.to_owned()),
            "ack" => self.messages.get_or_insert_default().ack = Some(Body::parse(value)?),
            "nack" => self.messages.get_or_insert_default().nack = Some(Body::parse(value)?),
            "requeue" => self.messages.get_or_insert_default().requeue = value.parse()?,
            "left" => self.messages.get_or_insert_default().left = Some(Body::parse(value)?),
            "first" => self.first.push(Body::parse(value)?),
            "between" => self.between.push(Body::parse(value)?),
            "last" => self.last.push(Body::parse(value)?),
            "signal" => self.signal = signal(value)?,
            "times" => self.times = value.parse()?,
            "attach" => self.attached.get_or_insert_default().does(value)?,
            "warning" => self.attached.get_or_insert_default().warns(value),
            "address" => self.attached.get_or_insert_default().is_at(value),
            "continue_after_start" => self.continue_after_start = value.parse()?,
            "run_to" => self.run_to = Some(at_stage("run_to", value)?),
            _ => self.daemon = configure(self.daemon, key, value)?,
        }
        Ok(self)
    }
}

/// Calls the builder method of the same name as the key.
fn configure(daemon: Daemon, key: &str, value: &str) -> Result<Daemon, Failure> {
    Ok(match key {
        "name" => daemon.name(value),
        "pidfile" if value == "none" => daemon.no_pidfile(),
        "pidfile" => daemon.pidfile(value),
        "held" => daemon.with_pidfile(PidFile::lock(value)?),
        "pidfile_mode" => daemon.pidfile_mode(octal(value)?),
        "detach" => daemon
            .detach(one_of(value, &[("auto", Detach::Auto), ("always", Detach::Always), ("never", Detach::Never)])?),
        "working_directory" => daemon.working_directory(value),
        "umask" => daemon.umask(octal(value)?),
        "user" => daemon.user(value),
        "group" => daemon.group(value),
        "init_groups" => daemon.init_groups(value.parse::<bool>()?),
        "chroot" => daemon.chroot(value),
        "capabilities" => daemon.capabilities(capabilities(value)?),
        "no_new_privs" => daemon.no_new_privs(value.parse::<bool>()?),
        "core_dumps" => daemon.core_dumps(value.parse::<bool>()?),
        "inherit" => daemon.inherit(descriptors(value)?),
        "close" => {
            daemon.close(one_of(value, &[("inherited", Close::Inherited), ("all", Close::All), ("none", Close::None)])?)
        }
        "stdin" | "stdout" | "stderr" | "log" => redirected(daemon, key, value),
        "default_log" => daemon.default_log(),
        "max_size" | "keep" | "timestamps" => daemon.log(log(key, value)?),
        "on_output" => printed(daemon, Body::parse(value)?),
        "on_wait" => noted(daemon, value.to_owned()),
        "ends_with" => daemon.ends_with(one_of(value, &ENDS_WITH)?),
        "ready" => daemon.ready(one_of(value, &READY)?),
        "start_timeout" => daemon.start_timeout(duration(value)?),
        "stop_timeout" => daemon.stop_timeout(duration(value)?),
        "lock_timeout" => daemon.lock_timeout(duration(value)?),
        "grace" => daemon.grace(duration(value)?),
        "every" => daemon.every(duration(value)?),
        "pool_size" => daemon.pool_size(value.parse::<usize>()?),
        "idle_time" => daemon.idle_time(duration(value)?),
        "nack_timeout" => daemon.nack_timeout(duration(value)?),
        "retry" => daemon.retry(retry(value)?),
        "kill" => daemon.kill(value.parse::<bool>()?),
        "handle" => handled(daemon, value)?,
        "ignore" => daemon.ignore(signal(value)?),
        "default" => daemon.default_action(signal(value)?),
        "before" | "after" | "replace" => hooked(daemon, key, value)?,
        _ => return Err(format!("unknown key `{key}`").into()),
    })
}

/// A part of the log.
fn log(key: &str, value: &str) -> Result<Log, Failure> {
    Ok(match key {
        "max_size" => Log::new().max_size(value.parse::<u64>()?),
        "keep" => Log::new().keep(value.parse::<u32>()?),
        _ => Log::new().timestamps(value.parse::<bool>()?),
    })
}

/// Prints the output of the start, and runs the body each time.
fn printed(daemon: Daemon, body: Body) -> Daemon {
    daemon.on_output(move |output| {
        print!("seen {:?};", String::from_utf8_lossy(output));
        body.run().expect("the body of `on_output` succeeds");
    })
}

/// Appends a line to the file at each call of `on_wait`.
fn noted(daemon: Daemon, file: String) -> Daemon {
    daemon.on_wait(move |wait| {
        let line = format!("{} ms of {} ms for {}\n", wait.elapsed.as_millis(), wait.limit.as_millis(), wait.reason);
        look::actions::append(&file, &line).expect("a file in the lab");
    })
}

/// `DELAY:MAX_DELAY` in milliseconds, or `DELAY:MAX_DELAY:ATTEMPTS`.
fn retry(value: &str) -> Result<Retry, Failure> {
    match value.split(':').collect::<Vec<_>>()[..] {
        [delay, max_delay] => Ok(Retry::new().delay(duration(delay)?).max_delay(duration(max_delay)?)),
        [delay, max_delay, attempts] => {
            let retry = Retry::new().delay(duration(delay)?).max_delay(duration(max_delay)?);
            Ok(retry.attempts(attempts.parse()?))
        }
        _ => Err("`retry` wants `DELAY:MAX_DELAY` or `DELAY:MAX_DELAY:ATTEMPTS`".into()),
    }
}

/// `SIGNAL:body`
fn handled(daemon: Daemon, value: &str) -> Result<Daemon, Failure> {
    let (name, body) = value.split_once(':').ok_or("`handle` wants `SIGNAL:body`")?;
    let body = Body::parse(body)?;
    Ok(daemon.handle(signal(name)?, move || body.run()))
}

/// `Stage:body`
fn at_stage(key: &str, value: &str) -> Result<(Stage, Body), Failure> {
    let (stage, body) = value.split_once(':').ok_or_else(|| format!("`{key}` wants `Stage:body`"))?;
    Ok((one_of(stage, &STAGES)?, Body::parse(body)?))
}

/// `Stage:body`
fn hooked(daemon: Daemon, when: &str, value: &str) -> Result<Daemon, Failure> {
    let (stage, body) = at_stage(when, value)?;
    let hook = move || body.run();
    Ok(match when {
        "before" => daemon.before(stage, hook),
        "after" => daemon.after(stage, hook),
        _ => daemon.replace(stage, hook),
    })
}

const ENDS_WITH: [(&str, EndsWith); 2] = [("parent", EndsWith::Parent), ("launcher_parent", EndsWith::LauncherParent)];

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

fn one_of<T: Clone>(word: &str, all: &[(&str, T)]) -> Result<T, Failure> {
    let found = all.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| value.clone()).ok_or_else(|| format!("unknown word `{word}`").into())
}

/// Parses a signal name without `SIG`, or a number, which need not be a signal.
fn signal(value: &str) -> Result<Signal, Failure> {
    if let Ok(number) = value.parse::<i32>() {
        return Ok(Signal::from(number));
    }
    let signal: nix::sys::signal::Signal = format!("SIG{}", value.trim_start_matches("SIG")).parse()?;
    Ok(Signal::from(signal))
}

fn stream(value: &str) -> Stdio {
    match value {
        "null" => Stdio::Null,
        "inherit" => Stdio::Inherit,
        _ => match value.strip_prefix("text:") {
            Some(text) => Stdio::text(text),
            None => Stdio::from(value),
        },
    }
}

fn redirected(daemon: Daemon, key: &str, value: &str) -> Daemon {
    match key {
        "stdin" => daemon.stdin(stream(value)),
        "stdout" => daemon.stdout(stream(value)),
        "stderr" => daemon.stderr(stream(value)),
        _ => daemon.log(stream(value)),
    }
}

fn descriptors(value: &str) -> Result<Vec<RawFd>, Failure> {
    value.split(',').map(|number| Ok(number.parse()?)).collect()
}

fn capabilities(value: &str) -> Result<Vec<Capability>, Failure> {
    value.split(',').map(|name| Ok(name.parse()?)).collect()
}

/// Parses milliseconds, or `max` for the longest duration.
fn duration(value: &str) -> Result<Duration, Failure> {
    if value == "max" {
        return Ok(Duration::MAX);
    }
    Ok(Duration::from_millis(value.parse()?))
}

fn octal(value: &str) -> Result<u32, Failure> {
    Ok(u32::from_str_radix(value, 8)?)
}
