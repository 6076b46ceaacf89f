//! Records that tests look for.

use log::{Log, Metadata, Record};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Logs one record at each level, and some of other targets and of the crate `log`.
pub(super) fn log_all() {
    let span = tracing::info_span!("request", id = 7);
    let _entered = span.enter();
    tracing::error!("an error");
    tracing::warn!("a warning");
    tracing::info!(port = 8080, host = "localhost", "ready");
    tracing::debug!("details");
    tracing::trace!("everything");
    tracing::info!(target: "hyper::server", "of hyper");
    log::info!(target: "old", "by log");
    log::debug!(target: "old", "details by log");
}

/// Logs text that tries to forge records, to control a terminal, and to fill the log.
pub(super) fn attack() {
    let forged = "x\n2026-01-01T00:00:00.000000Z ERROR forged: in a field\r\n<0>forged\x1b[31m\u{202e}\0";
    tracing::info!(field = forged, debug = ?forged, "{forged}");
    tracing::info!(display = %forged);
    tracing::info_span!("span", name = %forged).in_scope(|| tracing::info!("in a span"));
    log::info!(target: "evil\ntarget", "{forged}");
    tracing::info!("{}", "y".repeat(300_000));
    tracing::info!("{}", Panicky(false));
    tracing::info!("after the attack");
}

/// Logs in the panic hook, while a record is formatted that panics.
pub(super) fn log_in_panics() {
    std::panic::set_hook(Box::new(|info| tracing::error!("panicked: {info}")));
    let _ = std::panic::catch_unwind(|| tracing::info!("{}", Panicky(true)));
    tracing::info!("after the panic");
}

/// A value whose formatting logs, changes the level, and may panic.
struct Panicky(bool);

impl fmt::Display for Panicky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("while formatting");
        daemon::logging::set_level(&daemon::logging::level()).map_err(|_| fmt::Error)?;
        assert!(!self.0, "while a record is formatted");
        f.write_str("formatted")
    }
}

/// A layer of the program's own, which writes the level of each event to a file.
pub(super) struct Levels(pub(super) String);

impl<S: tracing::Subscriber> Layer<S> for Levels {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let file = OpenOptions::new().create(true).append(true).open(&self.0);
        let _ = file.and_then(|mut file| file.write_all(format!("{}\n", event.metadata().level()).as_bytes()));
    }
}

/// A logger of the program's own.
pub(super) struct Silent;

impl Log for Silent {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &Record<'_>) {}

    fn flush(&self) {}
}
