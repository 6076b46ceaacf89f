//! The attributes of [`daemonic`](https://docs.rs/daemonic): `#[daemon::run]`, `#[daemon::step]` and
//! `#[daemon::message]`.
//!
//! Use them through that crate. They read a function, check what they are told, and print calls into
//! the library: no logic of a daemon is in here. How one attribute goes through this crate:
//!
//! `args` and `item` (syntax, every span kept) → `model` (checked and total) → `expand` and
//! `companion` (tokens). All mistakes are collected in `errors` on the way and told at once, and
//! `whole` prints an item even then.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod actions;
mod args;
mod attributes;
mod blocks;
mod companion;
mod duration;
mod errors;
mod expand;
mod function;
mod hooks;
#[cfg(any(feature = "control", test))]
mod instance;
mod item;
mod keys;
mod lifetimes;
mod model;
mod parameters;
mod retry;
mod signals;
mod signature;
mod suggest;
#[cfg(test)]
mod tests;
mod values;
mod whole;

use proc_macro::TokenStream;

use crate::keys::Kind;

/// Runs a function as a daemon: calling it launches the daemon and returns once it is ready.
///
/// ```ignore
/// #[daemon::run(pidfile = "~/sleepy.pid", signals = { SIGHUP => reload, SIGUSR2 => ignore })]
/// fn sleepy(idle: u64) {
///     loop {
///         daemon::sleep(Duration::from_secs(idle));
///     }
/// }
///
/// sleepy(20)?;       // launches it
/// sleepy::stop()?;   // the companion: an enum of the same name, with every other verb
/// ```
///
/// is about the same as
///
/// ```ignore
/// let sleepy = Daemon::new("sleepy")
///     .pidfile("~/sleepy.pid")
///     .signals(Signals::new().handle(Signal::SIGHUP, reload).ignore(Signal::SIGUSR2));
///
/// sleepy.clone().run(move || plain_sleepy(20)).start()?;
/// sleepy.stop()?;
/// ```
///
/// The companion has `start`, `restart` and `foreground`, which take the function's arguments; `stop`,
/// `status`, `send`, `pid` and `pidfile`, which take none; and `call`, which calls the plain function,
/// as its own name does inside its body. With `control` it also has `client`, which talks to the daemon's
/// endpoint, and `event`. Link to the function as ``[`fn@sleepy`]``. On `main`, running
/// the program launches the daemon.
///
/// # Keys
///
/// Every key is the method of `daemon::Daemon` of the same name. Expressions see what the function
/// sees but not its parameters, and are evaluated once per process.
///
/// | key | value |
/// |---|---|
/// | `name` | a string; without it, the function's name |
/// | `companion` | the companion's name, where a module or a type already has the function's |
/// | `pidfile`, `working_directory`, `chroot` | a path |
/// | `pidfile_mode`, `umask` | permission bits: `0o027` |
/// | `signals` | `{ SIGTERM => f, HUP => [f, g], libc::SIGUSR1 => ignore, number() => default }` |
/// | `detach` | `auto`, `always`, `never` |
/// | `user`, `group` | a name or a number |
/// | `init_groups`, `core_dumps`, `kill` | `true` or `false` |
/// | `inherit` | descriptors: `[3, 4]` |
/// | `close` | `inherited`, `all`, `none` |
/// | `stdin`, `stdout`, `stderr` | a path, `null`, `keep` |
/// | `ready` | `auto`, `entered`, `manual` |
/// | `start_timeout`, `stop_timeout`, `grace` | `"500ms"`, `"3s"`, `"2m"`, `"1h"` |
/// | `hooks` | `{ before(Umask) => f, after(PidFile) => [f, g], replace(Stdio) => h }` |
/// | `control` | alone, an address such as `"127.0.0.1:0"`, or a `daemon::control::Endpoint`; with the feature `control` |
/// | `configure` | a function from `Daemon` to `Daemon`; it comes last |
/// | `crate` | the library's path, if it is not `::daemon` |
///
/// Instead of a string, a number or a word there may be an expression of the type the method takes. A
/// handler named `ignore` or `default` is written with its path: `self::ignore`.
///
/// # Functions
///
/// A function may have arguments, references and lifetimes among them, but no type or constant
/// parameters and no `impl Trait`; it is no method, and not `async`, `unsafe`, `const` or `extern`.
/// Its attributes stay on the plain function; documentation, `#[cfg]`, `#[deprecated]` and
/// `#[must_use]` go where its callers see them.
#[proc_macro_attribute]
pub fn run(args: TokenStream, item: TokenStream) -> TokenStream {
    whole::attribute(Kind::Run, args.into(), item.into()).into()
}

/// Calls a function again and again, as a daemon that ends between two calls.
///
/// ```ignore
/// #[daemon::step(every = "1s")]
/// fn tick(state: &mut State, name: &str, limit: u64) {
///     state.count(name, limit);
/// }
///
/// tick(State::new(), "sleepy", 20)?;   // or `&mut state`
/// tick::stop()?;
/// ```
///
/// Everything said of [`macro@run`] holds, and there is one key more: `every`, a duration from the
/// beginning of one step to that of the next. Without it, steps follow each other at once.
///
/// The arguments are evaluated once. What the function takes as `&T` or `&mut T` is given owned or
/// borrowed, and lent to each step; what it takes by value must be `Clone`. A reference stays what it
/// is if it is to a trait object, or if its lifetime is `'static` or occurs twice.
#[proc_macro_attribute]
pub fn step(args: TokenStream, item: TokenStream) -> TokenStream {
    whole::attribute(Kind::Step, args.into(), item.into()).into()
}

/// There can be only one: a `fn main` that runs in the first launch of a program; every later one hands over its arguments.
///
/// ```ignore
/// #[daemon::instance(name = "my_app", on_open = open)]
/// fn main(running: Running) {
///     window(std::env::args());
///     running.wait();                     // until somebody stops it
/// }
///
/// fn open(opened: Opened) {
///     tab(opened.directory, opened.arguments);
/// }
/// ```
///
/// is about the same as
///
/// ```ignore
/// let app = Instance::new("my_app").on("open", |event: Event| open(Opened::of(&event)));
/// match app.run_or_send("open", json!({ "args": args, "cwd": directory })) { /* … */ }
/// ```
///
/// The function may take the `Running`, and return whatever a `main` may; the instance ends when it returns. A later
/// launch has exit status 0 when the first one has handled its arguments, and prints the `message` of the reply, if there is one;
/// without `on_open` it says on stderr that the program runs already, and has exit status 3. It wants the feature `control`.
///
/// | key | value |
/// |---|---|
/// | `name` | the name of the application: that of the package without it |
/// | `on_open` | a function or closure from `Opened` to what a handler of events may return, `async` or not |
/// | `app_dir` | the directory of its pidfile and socket: that of the application's data without it |
/// | `address`, `without_token` | as the methods of `Instance` |
/// | `configure` | a function or closure from `Instance` to `Instance`, for everything else |
/// | `crate` | the path of this library, `::daemon` without it |
#[cfg(feature = "control")]
#[proc_macro_attribute]
pub fn instance(args: TokenStream, item: TokenStream) -> TokenStream {
    crate::instance::attribute(args.into(), item.into()).into()
}

/// Handles messages as a daemon: fetches them one after another, and calls the function for each, many at a time.
///
/// ```ignore
/// #[daemon::message(from = next_job, pool_size = 100, idle_time = "100ms")]
/// fn handle(job: Job) -> Result<(), Error> {
///     job.run()
/// }
///
/// fn next_job() -> Option<Job> {
///     QUEUE.pop()
/// }
///
/// handle::start()?;   // launches the daemon
/// handle::stop()?;
/// handle(job)?;       // the plain function, here and now
/// ```
///
/// is about the same as
///
/// ```ignore
/// Daemon::new("handle").pool_size(100).idle_time(Duration::from_millis(100)).messages(next_job, handle).start()?;
/// ```
///
/// The function stays what it is; the companion beside it launches the daemon. What was said of the companion and of the
/// keys of [`macro@run`] holds, and there are five keys more:
///
/// | key | value |
/// |---|---|
/// | `from` | a function or closure without arguments that returns `Option<T>` or `Result<Option<T>, E>`, where `T` is the message or a `Delivery` of it; evaluated in the verb that starts |
/// | `pool_size` | how many messages are handled at the same time, each in a thread of its own: 100 without it |
/// | `idle_time` | how long it takes until `from` is called again after it had no message: `"100ms"` without it |
/// | `nack_timeout` | how long the receipts of all messages that were cut may take when the daemon ends: a fifth of `grace`, 1 s to 2 s, without it |
/// | `retry` | `{ delay = "1s", max_delay = "1m", attempts = 5 }`, each of which may be left out, or a `daemon::Retry`: when a message whose handler failed is handled again, and how often it is tried |
///
/// The function takes the message by value, and nothing else; it may return what a [`macro@run`] may. What happens to messages
/// when something fails, or when the daemon stops, is said at `Daemon::messages`.
#[proc_macro_attribute]
pub fn message(args: TokenStream, item: TokenStream) -> TokenStream {
    whole::attribute(Kind::Message, args.into(), item.into()).into()
}
