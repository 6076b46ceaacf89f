//! The monitor's own log: to a file, a stream or syslog, as the configuration says.

mod stream;

use crate::logs::{Place, Sink};
use crate::settings::{Facility, Handler, Settings};
use daemonize_core::__private::escape;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixDatagram;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use stream::{Entry, Queue, Shape, Stream};

/// More is not held back.
const MOST_HELD: usize = 1000;

/// How long the end of the monitor waits for whoever reads its last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Where syslog listens.
const SYSLOG: &str = "/dev/log";

/// Writes down what the monitor says through the `log` crate: at most one in a process.
pub(crate) struct Recorder(Mutex<State>);

struct State {
    shape: Arc<Shape>,
    handler: Option<Handler>,
    level: LevelFilter,
    output: Output,
    /// What goes to stdout and stderr.
    queue: Arc<Queue>,
    /// Until when what is said is waited for: the monitor has ended.
    end: Option<Instant>,
    /// What is to be written when it is clear where stderr leads: until the daemon is ready, that is to its launcher.
    held: Option<Vec<(Level, String)>>,
}

enum Output {
    /// Nothing was written yet.
    Closed,
    Syslog(UnixDatagram),
    File(Box<Sink>),
}

thread_local! {
    /// Whether this thread is writing something down: what that has to say itself is not written.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

impl Recorder {
    /// The recorder of this process, as these settings want it.
    pub(crate) fn for_monitor(settings: &Settings) -> &'static Recorder {
        static ONLY: OnceLock<Recorder> = OnceLock::new();
        let recorder = ONLY.get_or_init(|| {
            Recorder(Mutex::new(State {
                shape: Arc::default(),
                handler: None,
                level: LevelFilter::Info,
                output: Output::Closed,
                queue: Arc::default(),
                end: None,
                held: Some(Vec::new()),
            }))
        });
        recorder.configure(settings);
        recorder
    }

    /// Does as these settings say from now on.
    pub(crate) fn configure(&self, settings: &Settings) {
        let mut state = self.state();
        state.shape = Arc::new(Shape { name: settings.name.clone(), format: settings.log_format.clone() });
        state.level = settings.log_level;
        if state.handler != settings.log {
            state.handler.clone_from(&settings.log);
            state.output = Output::Closed;
        }
        if is_ours(self) {
            log::set_max_level(settings.log_level);
        }
    }

    /// Begins to write down, unless the program that this is has a recorder of its own.
    pub(crate) fn begin(&'static self) {
        if log::set_logger(self).is_ok() {
            log::set_max_level(self.state().level);
        }
    }

    /// Writes what was held back: stderr leads where it is going to lead.
    pub(crate) fn release(&self) {
        self.silently(|state| {
            for (level, message) in state.held.take().unwrap_or_default() {
                state.write(level, &message);
            }
        });
    }

    /// The same, and nothing is left to be written, unless nobody takes it: the process ends now.
    pub(crate) fn end(&self) {
        self.release();
        let end = Instant::now() + LAST_WORDS;
        let queue = {
            let mut state = self.state();
            state.end = Some(end);
            Arc::clone(&state.queue)
        };
        queue.drain(end);
    }

    /// Opens a file again that something else has put aside.
    pub(crate) fn reopen(&self) {
        self.silently(|state| {
            if let Output::File(sink) = &mut state.output {
                sink.reopen();
            }
        });
    }

    /// Does something with the state, what of it would be logged, in this thread, being lost: it would wait for itself.
    fn silently(&self, act: impl FnOnce(&mut State)) {
        WRITING.set(true);
        act(&mut self.state());
        WRITING.set(false);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this is the one that writes.
fn is_ours(recorder: &Recorder) -> bool {
    std::ptr::addr_eq(log::logger(), recorder)
}

impl Log for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !WRITING.get() {
            self.silently(|state| state.take(record.level(), escape(&record.args().to_string()).into_owned()));
        }
    }

    fn flush(&self) {}
}

impl State {
    fn take(&mut self, level: Level, message: String) {
        match &mut self.held {
            Some(held) if self.handler.is_none() && held.len() < MOST_HELD => held.push((level, message)),
            _ => self.write(level, &message),
        }
    }

    fn write(&mut self, level: Level, message: &str) {
        let handler = self.handler.clone().unwrap_or_else(usual);
        match handler {
            Handler::Syslog(facility) => self.write_to_syslog(facility, level, message),
            Handler::Stdout => self.queue(Stream::Stdout, level, message),
            Handler::Stderr => self.queue(Stream::Stderr, level, message),
            Handler::Null => {}
            Handler::File(log) => {
                let line = self.shape.line(SystemTime::now(), level, message) + "\n";
                if !matches!(self.output, Output::File(_)) {
                    self.output = Output::File(Box::new(Sink::new(&log, Place::new(&log.path, None))));
                }
                if let Output::File(sink) = &mut self.output {
                    sink.write(line.as_bytes(), Instant::now());
                }
            }
        }
    }

    /// Whoever reads a stream may take its time: the monitor's is not to be spent on that.
    fn queue(&self, stream: Stream, level: Level, message: &str) {
        self.queue.push(Entry { stream, shape: Arc::clone(&self.shape), level, message: message.to_owned() });
        if let Some(end) = self.end {
            self.queue.drain(end);
        }
    }

    /// RFC 3164, without the time, which syslog adds. One that was restarted is found again.
    fn write_to_syslog(&mut self, facility: Facility, level: Level, message: &str) {
        let severity = match level {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 6,
            Level::Debug | Level::Trace => 7,
        };
        let number = u32::from(facility.number()) * 8 + severity;
        let text = format!("<{number}>{}[{}]: {message}", self.shape.name, process::id());
        for _ in 0..2 {
            if !matches!(self.output, Output::Syslog(_)) {
                let Ok(socket) = connect() else { return };
                self.output = Output::Syslog(socket);
            }
            match &self.output {
                Output::Syslog(socket) => match socket.send(text.as_bytes()) {
                    // It has no room now: this message is lost, rather than the monitor's time.
                    Ok(_) => return,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                    Err(_) => self.output = Output::Closed,
                },
                _ => return,
            }
        }
    }
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(SYSLOG)?;
    Ok(socket)
}

/// Where somebody may see it: stderr, or syslog where that is `/dev/null`.
fn usual() -> Handler {
    let is_null = || {
        let (stderr, null) = (fs::metadata("/proc/self/fd/2").ok()?, fs::metadata("/dev/null").ok()?);
        Some(stderr.file_type().is_char_device() && stderr.rdev() == null.rdev())
    };
    if is_null().unwrap_or(true) { Handler::Syslog(Facility::default()) } else { Handler::Stderr }
}
