//! The parameters of the builder's methods: a value, or an `Option` of one.

/// A value for a setting, or an `Option` of one, where `None` leaves the setting as it is.
///
/// So optional values of a configuration file or a command line are passed on without a `match`:
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
/// A value is of any type that converts [`Into`] the setting's type `T`. `Kind` only distinguishes the implementations and is
/// always inferred. The trait is sealed: no type outside of this library can implement it, and none needs to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for this setting",
    label = "neither a value for this setting nor an `Option` of one",
    note = "the setting takes a value that converts into `{T}`, or an `Option` of one"
)]
pub trait Setting<T, Kind>: sealed::SealedSetting<T, Kind> {
    /// Returns the value; `None` leaves the setting unchanged.
    fn value(self) -> Option<T>;
}

/// Distinguishes the implementations of [`Setting`].
#[derive(Debug)]
pub enum Value {}

/// Distinguishes the implementations of [`Setting`].
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

    pub trait SealedSetting<T, Kind> {}

    impl<T, V: Into<T>> SealedSetting<T, Value> for V {}
    impl<T, V: Into<T>> SealedSetting<T, Optional> for Option<V> {}
}

/// Sets a setting that has a default, if there is a value.
pub(crate) fn set<T>(setting: &mut T, value: impl Into<Option<T>>) {
    if let Some(value) = value.into() {
        *setting = value;
    }
}

/// Sets an optional setting, if there is a value.
pub(crate) fn set_optional<T>(setting: &mut Option<T>, value: impl Into<Option<T>>) {
    if let Some(value) = value.into() {
        *setting = Some(value);
    }
}

/// A user or a group, by name or number. Any type that implements [`ToString`] converts into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

impl<V: ToString> From<V> for Account {
    fn from(account: V) -> Account {
        Account(account.to_string())
    }
}

impl Account {
    /// Returns the name or number.
    pub(crate) fn into_name(self) -> String {
        self.0
    }
}

/// The values of a setting that takes several. Any iterator of them converts into it.
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
