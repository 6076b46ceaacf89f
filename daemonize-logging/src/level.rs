//! The level that applies, and its change at run time.

use crate::directives::Directives;
use crate::error::{Error, ErrorKind, Result};
use daemonize_sys::mutex::lock;
use std::ffi::OsString;
use std::sync::Mutex;

/// Hands directives to the logger that was set up.
pub(crate) type Apply = Box<dyn Fn(&Directives) -> std::result::Result<(), String> + Send>;

static LEVEL: Mutex<LevelState> = Mutex::new(LevelState { directives: None, apply: None });

struct LevelState {
    /// The directives that were set, or that apply since the logger was set up.
    directives: Option<Directives>,
    /// `None` until a logger is set up.
    apply: Option<Apply>,
}

/// Sets the level: one for all targets, or directives such as `info,hyper=warn`.
///
/// Before [`init`](crate::init), which then applies it instead of `RUST_LOG`, also in the launcher: the daemon inherits it. After that, from
/// any thread, at once. The level lasts until the process ends; a [restart](daemonize_core::restart) begins with the first one again.
///
/// # Errors
/// The text is not a level, or has wrong directives: see [the module](crate#levels). The level stays as it was.
///
/// ```
/// daemon::logging::set_level("warn,web=debug")?;
/// assert_eq!(daemon::logging::level(), "warn,web=debug");
/// assert!(daemon::logging::set_level("loud").is_err());
/// # Ok::<(), daemon::logging::Error>(())
/// ```
pub fn set_level(directives: &str) -> Result<()> {
    let parsed = parse(directives, "set the log level")?;
    let mut state = lock(&LEVEL);
    if let Some(apply) = &state.apply {
        apply(&parsed).map_err(|why| Error::new(ErrorKind::Level, format!("failed to set the log level: {why}")))?;
    }
    state.directives = Some(parsed);
    Ok(())
}

/// Returns the level that applies, as directives; before [`init`](crate::init) the one that was set, otherwise `info`.
///
/// ```
/// assert_eq!(daemon::logging::level(), "info");
/// ```
pub fn level() -> String {
    lock(&LEVEL).directives.clone().unwrap_or_default().to_string()
}

/// Returns `true` if a logger is set up, so that the level has an effect.
pub(crate) fn is_set_up() -> bool {
    lock(&LEVEL).apply.is_some()
}

/// Sets up a logger, once: `set_up` gets the level to begin with, and returns the way to change it.
pub(crate) fn begin(default: Option<&str>, set_up: impl FnOnce(&Directives) -> Result<Apply>) -> Result<()> {
    let mut state = lock(&LEVEL);
    if state.apply.is_some() {
        let text = "failed to set up logging: `daemon::logging` has done so before in this program; change its level with `set_level`";
        return Err(Error::new(ErrorKind::AlreadySet, text));
    }
    let directives = match &state.directives {
        Some(directives) => directives.clone(),
        None => initial_level(default)?,
    };
    state.apply = Some(set_up(&directives)?);
    state.directives = Some(directives);
    Ok(())
}

/// Parses directives; an error begins with "failed to VERB `TEXT`".
pub(crate) fn parse(text: &str, verb: &str) -> Result<Directives> {
    Directives::parse(text).map_err(|why| {
        let shown: String = text.chars().take(100).collect();
        Error::new(ErrorKind::Level, format!("failed to {verb} `{shown}`: {why}"))
    })
}

/// Returns the level where none was set.
fn initial_level(default: Option<&str>) -> Result<Directives> {
    match (environment_level()?, default) {
        (Some(directives), _) => Ok(directives),
        (None, Some(text)) => parse(text, "set up logging with the level"),
        (None, None) => Ok(Directives::default()),
    }
}

/// Returns the directives of `RUST_LOG`; `None` if it is not set or empty.
fn environment_level() -> Result<Option<Directives>> {
    let Some(text) = std::env::var_os("RUST_LOG").filter(|text| !text.is_empty()) else { return Ok(None) };
    text.into_string()
        .map_err(|text: OsString| format!("{text:?} is not UTF-8"))
        .and_then(|text| Directives::parse(&text))
        .map(Some)
        .map_err(|why| Error::new(ErrorKind::Level, format!("failed to set up logging: `RUST_LOG`: {why}")))
}
