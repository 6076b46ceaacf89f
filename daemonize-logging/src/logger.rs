//! A logger of `log`: its level can be exchanged, its destination is that of the process.

use crate::destination::{Choice, Destination};
use crate::directives::Directives;
use crate::error::{Error, ErrorKind, Result};
use crate::level::Apply;
use crate::line::{LineWriter, MAX_LINE};
use crate::line_style::{LineStyle, is_printed_by_core};
use crate::syslog::{MAX_MESSAGE, Syslog};
use daemonize_sys::mutex::{read, write};
use log::kv::{Key, Value, VisitSource};
use log::{Log, Metadata, Record};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::{Arc, RwLock};
use systemd_journal_logger::JournalLog;

/// The logger, which the crate `log` keeps for ever.
struct Logger {
    levels: Arc<RwLock<Arc<Directives>>>,
    output: Output,
}

enum Output {
    Stderr(LineStyle),
    Journal(JournalLog),
    Syslog(Syslog),
}

/// Makes a logger the one of `log`.
pub(crate) fn set_up(directives: &Directives, choice: &Choice) -> Result<Apply> {
    let output = match choice.destination()? {
        Destination::Syslog(syslog) => Output::Syslog(syslog),
        Destination::Stderr(style) => Output::Stderr(style),
        Destination::Journal => match JournalLog::empty() {
            Ok(journal) => Output::Journal(journal.with_syslog_identifier(choice.name())),
            // A unit with a root directory of its own, for instance.
            Err(_) => Output::Stderr(choice.line_style()),
        },
    };
    let levels = Arc::new(RwLock::new(Arc::new(directives.clone())));
    log::set_boxed_logger(Box::new(Logger { levels: Arc::clone(&levels), output })).map_err(|_| {
        let text = "failed to set up logging: the program has set a logger of `log` before; call one of the two";
        Error::new(ErrorKind::AlreadySet, text)
    })?;
    log::set_max_level(directives.max_level());
    Ok(Box::new(move |directives| {
        *write(&levels) = Arc::new(directives.clone());
        log::set_max_level(directives.max_level());
        Ok(())
    }))
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The lock is not held while a record is formatted, which may call anything.
        let levels = Arc::clone(&read(&self.levels));
        metadata.level() <= levels.level_of(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // No error has another place to go.
        match &self.output {
            Output::Journal(journal) => _ = journal.journal_send(record),
            Output::Syslog(syslog) => {
                let mut text = String::new();
                if write_text(record, &mut text, MAX_MESSAGE).is_ok() {
                    syslog.send(record.level(), &text);
                }
            }
            Output::Stderr(_) if is_printed_by_core(record.target(), record.level()) => {}
            Output::Stderr(style) => {
                if let Ok(line) = line_of(record, style) {
                    // One write, so that lines of several threads stay whole.
                    let _ = std::io::stderr().write_all(line.as_bytes());
                }
            }
        }
    }

    fn flush(&self) {}
}

/// Returns a record as a line of stderr.
fn line_of(record: &Record<'_>, style: &LineStyle) -> std::result::Result<String, fmt::Error> {
    let mut line = String::new();
    style.write_head(record.level(), &mut line)?;
    write_text(record, &mut line, MAX_LINE)?;
    line.push('\n');
    Ok(line)
}

/// Writes target, message and fields of a record, as a part of one line.
fn write_text(record: &Record<'_>, out: &mut String, limit: usize) -> fmt::Result {
    let mut line = LineWriter::new(out, limit);
    write!(line, "{}: {}", record.target(), record.args())?;
    record.key_values().visit(&mut Fields(&mut line)).map_err(|_| fmt::Error)?;
    line.finish()
}

/// Writes the fields of a record as ` key=value`.
struct Fields<'a, 'b>(&'a mut LineWriter<'b>);

impl<'kvs> VisitSource<'kvs> for Fields<'_, '_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> std::result::Result<(), log::kv::Error> {
        write!(self.0, " {key}={value}")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_style::Color;
    use log::{Level, RecordBuilder};

    fn style() -> LineStyle {
        LineStyle { time: false, prefix: false, color: Color::Never }
    }

    #[test]
    fn line_has_level_target_message_and_fields_and_is_escaped() {
        let fields = [("port", Value::from(8080)), ("host", Value::from("a\nb"))];
        let line = |text: &str| {
            let mut builder = RecordBuilder::new();
            builder.level(Level::Warn).target("evil\ntarget").key_values(&fields);
            line_of(&builder.args(format_args!("{text}")).build(), &style()).unwrap()
        };
        let forged = line("x\r\n\x1b[2J");
        assert_eq!(forged, " WARN evil\\ntarget: x\\r\\n\\u{1b}[2J port=8080 host=a\\nb\n");
        let line = line(&"y".repeat(100_000));
        assert!(line.len() < 66_000 && line.ends_with(" bytes left out]\n"), "{}", line.len());
    }

    #[test]
    fn record_is_enabled_by_the_level_of_its_target() {
        let directives = Directives::parse("info,hyper=warn").unwrap();
        let logger = Logger { levels: Arc::new(RwLock::new(Arc::new(directives))), output: Output::Stderr(style()) };
        let is_enabled = |level, target| logger.enabled(&Metadata::builder().level(level).target(target).build());
        assert!(is_enabled(Level::Info, "web") && is_enabled(Level::Warn, "hyper::server"));
        assert!(!is_enabled(Level::Debug, "web") && !is_enabled(Level::Info, "hyper"));
        *write(&logger.levels) = Arc::new(Directives::parse("trace").unwrap());
        assert!(is_enabled(Level::Trace, "hyper"));
    }
}
