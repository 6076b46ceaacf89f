//! A subscriber of `tracing`: its filter can be exchanged, its destination is that of the process.

use crate::destination::{Choice, Destination};
use crate::directives::Directives;
use crate::error::{Error, ErrorKind, Result};
use crate::level::Apply;
use crate::line::{LineWriter, MAX_LINE};
use crate::line_style::{LineStyle, is_printed_by_core};
use crate::syslog::{MAX_MESSAGE, Syslog};
use log::Level;
use std::fmt;
use std::io;
use tracing_core::dispatcher::{self, Dispatch};
use tracing_core::subscriber::NoSubscriber;
use tracing_core::{Event, Metadata, Subscriber};
use tracing_journald::{Priority, PriorityMappings};
use tracing_log::{AsLog, NormalizeEvent};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, reload};

/// The length of most lines, in bytes.
const TYPICAL_LINE: usize = 256;

/// Layers of the program, below ours.
pub(crate) type UserLayer = Box<dyn Layer<Registry> + Send + Sync>;

type WithUserLayer = Layered<Option<UserLayer>, Registry>;

/// Makes a subscriber the global one, and the logger of `log` too.
pub(crate) fn set_up(directives: &Directives, choice: &Choice, user: Option<UserLayer>) -> Result<Apply> {
    if !dispatcher::get_default(Dispatch::is::<NoSubscriber>) {
        return Err(already_set("a subscriber of `tracing`"));
    }
    let (filter, handle) = reload::Layer::<Targets, WithUserLayer>::new(targets(directives));
    let subscriber = tracing_subscriber::registry().with(user).with(filter).with(output(choice)?);
    // First, because it is the step that can fail: where other code has set a logger of `log`.
    let takes_log_records = tracing_log::LogTracer::init().is_ok();
    if cfg!(feature = "log") && !takes_log_records {
        return Err(already_set("a logger of `log`"));
    }
    dispatcher::set_global_default(Dispatch::new(subscriber)).map_err(|_| already_set("a subscriber of `tracing`"))?;
    let apply = move |directives: &Directives| {
        handle.reload(targets(directives)).map_err(|error| error.to_string())?;
        if takes_log_records {
            log::set_max_level(directives.max_level());
        }
        Ok(())
    };
    if takes_log_records {
        log::set_max_level(directives.max_level());
    }
    Ok(Box::new(apply))
}

fn already_set(what: &str) -> Error {
    let text = format!("failed to set up logging: the program has set {what} before; call one of the two");
    Error::new(ErrorKind::AlreadySet, text)
}

fn targets(directives: &Directives) -> Targets {
    let own = directives.targets().map(|(target, level)| (target, filter_level(level)));
    Targets::new().with_default(filter_level(directives.default_level())).with_targets(own)
}

fn filter_level(level: log::LevelFilter) -> tracing_core::LevelFilter {
    use tracing_core::LevelFilter;
    match level {
        log::LevelFilter::Off => LevelFilter::OFF,
        log::LevelFilter::Error => LevelFilter::ERROR,
        log::LevelFilter::Warn => LevelFilter::WARN,
        log::LevelFilter::Info => LevelFilter::INFO,
        log::LevelFilter::Debug => LevelFilter::DEBUG,
        log::LevelFilter::Trace => LevelFilter::TRACE,
    }
}

/// Returns the layer that writes records.
fn output<S>(choice: &Choice) -> Result<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let style = match choice.destination()? {
        Destination::Syslog(syslog) => {
            let lines = LineFormat::new(None, MAX_MESSAGE);
            return Ok(tracing_subscriber::fmt::layer()
                .event_format(lines)
                .with_ansi(false)
                .with_writer(SyslogWriter(syslog))
                .boxed());
        }
        Destination::Journal => match tracing_journald::layer() {
            Ok(layer) => return Ok(journal(layer, choice).boxed()),
            // A unit with a root directory of its own, for instance.
            Err(_) => choice.line_style(),
        },
        Destination::Stderr(style) => style,
    };
    let layer = tracing_subscriber::fmt::layer()
        .event_format(LineFormat::new(Some(style), MAX_LINE))
        // Colours are ours, so that those in a field are escaped.
        .with_ansi(false)
        // A full disk is no reason for more output.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    Ok(layer.boxed())
}

fn journal(layer: tracing_journald::Layer, choice: &Choice) -> tracing_journald::Layer {
    let priorities =
        PriorityMappings { info: Priority::Informational, debug: Priority::Debug, ..PriorityMappings::new() };
    layer.with_syslog_identifier(choice.name()).with_priority_mappings(priorities)
}

/// Formats an event as one line: what `tracing_subscriber` prints, escaped and bounded.
struct LineFormat {
    /// `None` for lines without time and level.
    style: Option<LineStyle>,
    limit: usize,
    text: Format<Full, ()>,
}

impl LineFormat {
    fn new(style: Option<LineStyle>, limit: usize) -> LineFormat {
        let text = tracing_subscriber::fmt::format().without_time().with_level(false).with_ansi(false);
        LineFormat { style, limit, text }
    }
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        // Not into `writer`: if a value panics while it is formatted, the next record would begin in the middle of this line.
        let mut text = String::with_capacity(TYPICAL_LINE);
        if let Some(style) = &self.style {
            let level = level_of(event.metadata());
            if level == Level::Error {
                let normalized = event.normalized_metadata();
                let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
                if is_printed_by_core(metadata.target(), level) {
                    return Ok(());
                }
            }
            style.write_head(level, &mut text)?;
        }
        let mut line = LineWriter::new(&mut text, self.limit);
        self.text.format_event(ctx, Writer::new(&mut line), event)?;
        line.finish()?;
        text.push('\n');
        writer.write_str(&text)
    }
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    metadata.level().as_log()
}

/// Hands each line to syslog, with the level of its event.
struct SyslogWriter(Syslog);

impl<'a> MakeWriter<'a> for SyslogWriter {
    type Writer = SyslogLine<'a>;

    fn make_writer(&'a self) -> SyslogLine<'a> {
        SyslogLine { syslog: &self.0, level: Level::Info }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> SyslogLine<'a> {
        SyslogLine { syslog: &self.0, level: level_of(metadata) }
    }
}

/// Takes the line of one event, which the formatter writes at once.
struct SyslogLine<'a> {
    syslog: &'a Syslog,
    level: Level,
}

impl io::Write for SyslogLine<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.syslog.send(self.level, String::from_utf8_lossy(line).trim_end_matches('\n'));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
