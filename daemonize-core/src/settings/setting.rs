//! Parameters of a builder's methods: a value, or an `Option` of one.

/// A value for a setting, or an `Option` of one, where `None` leaves the setting as it is.
///
/// So what may or may not stand in a configuration file or on a command line is handed on as it is:
///
/// ```
/// use daemon::Daemon;
/// use std::path::PathBuf;
///
/// #[derive(Default)]
/// struct Config {
///     pidfile: Option<PathBuf>,
///     user: Option<String>,
///     umask: Option<u32>,
/// }
///
/// let config = Config::default();
/// let daemon = Daemon::new("web").pidfile(config.pidfile).user(config.user).umask(config.umask);
/// # drop(daemon);
/// ```
///
/// A value is whatever converts [`Into`] the setting's type `T`. `Kind` only tells the implementations apart and is always
/// inferred. No type needs to implement this trait, and none outside of this library can.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for this setting",
    label = "neither a value for this setting nor an `Option` of one",
    note = "the setting takes what converts into `{T}`, or an `Option` of that"
)]
pub trait Setting<T, Kind>: sealed::Sealed<T, Kind> {
    /// Returns the value, `None` if there is none.
    fn value(self) -> Option<T>;
}

/// Tells [`Setting`]'s implementations apart.
#[derive(Debug)]
pub enum Value {}

/// Tells [`Setting`]'s implementations apart.
#[derive(Debug)]
pub enum Optional {}

impl<T, V: Into<T>> Setting<T, Value> for V {
    fn value(self) -> Option<T> {
        Some(self.into())
    }
}

impl<T, V: Into<T>> Setting<T, Optional> for Option<V> {
    fn value(self) -> Option<T> {
        self.map(Into::into)
    }
}

mod sealed {
    use super::{Optional, Value};

    pub trait Sealed<T, Kind> {}

    impl<T, V: Into<T>> Sealed<T, Value> for V {}
    impl<T, V: Into<T>> Sealed<T, Optional> for Option<V> {}
}

/// A user or a group, by name or number: whatever prints as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

impl<V: ToString> From<V> for Account {
    fn from(account: V) -> Account {
        Account(account.to_string())
    }
}

impl Account {
    /// Returns its name or number.
    pub(crate) fn into_name(self) -> String {
        self.0
    }
}

/// The values of a setting that holds several: whatever can be iterated over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T, I: IntoIterator<Item = T>> From<I> for List<T> {
    fn from(values: I) -> List<T> {
        List(values.into_iter().collect())
    }
}

impl<T> List<T> {
    /// Returns the values.
    pub(crate) fn into_values(self) -> Vec<T> {
        self.0
    }
}
