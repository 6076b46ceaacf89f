//! The types of the values of keys.

/// The type of a key's value. The macros check literals, the compiler checks other expressions.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// A string that can be a file name.
    Name,
    Path,
    /// A path, or one of these words: variants of the library's enum of that path. With an empty path, a word is the method `no_…`.
    PathOr(&'static str, &'static [&'static str]),
    /// One of these words: variants of the library's enum of that path.
    Words(&'static str, &'static [&'static str]),
    /// Permission bits.
    Mode,
    /// Permission bits of a file that only its owner may write.
    PrivateMode,
    Bool,
    /// A user or a group, by name or number.
    Account,
    Duration,
    Descriptors,
    /// A list of capabilities of the library.
    Capabilities,
    /// A number between these two, and the reason for the limits.
    Count(u64, u64, &'static str),
    /// A number of bytes: a string with a unit, or an expression.
    Size,
    /// An address, or a list of addresses: one call for each.
    Sockets,
    Function,
    Any,
    /// The name of a type.
    Companion,
    /// The path of this library.
    CratePath,
    /// `{ SIGNAL => action }`
    Signals,
    /// `{ before(Stage) => hook }`
    Hooks,
    /// Braces with keys, or an expression.
    Retry,
    /// An endpoint, an address, or no value.
    Control,
    /// A path or a word as [`STDIO`](crate::keys::STDIO), or parentheses with keys.
    Log,
    /// No value, or parentheses with keys.
    Cli,
    /// Parentheses with keys, or an expression.
    Service,
    /// No value.
    Flag,
    /// No value, or a `bool`.
    Switch,
    /// One of these words, which decides about the expansion.
    Choice(&'static [&'static str]),
    /// A word, a list of names, or an environment of the library.
    Environment,
    /// A string, or any expression that becomes one.
    Text,
}
