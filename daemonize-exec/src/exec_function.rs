//! Functions that return a daemon, as [`exec!`](crate::exec!) takes them.

use crate::exec_daemon::ExecDaemon;
use crate::request::{self, Request};
use daemonize_core::body::Work;
use daemonize_core::{Daemon, Result, Started};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;

/// A function whose arguments are those of the tuple `A`, and which returns a [`Daemon`].
#[diagnostic::on_unimplemented(
    message = "`exec!` cannot launch this function",
    label = "must be a function that returns `Daemon<impl Work>`",
    note = "its parameters must implement `serde::Serialize` and `serde::de::DeserializeOwned`; a closure captures, so it cannot be launched"
)]
pub trait ExecFunction<A> {
    /// The work of the daemon.
    type Work: Work;

    /// Calls the function.
    fn call(&self, arguments: A) -> Daemon<Self::Work>;
}

macro_rules! functions {
    ($($argument:ident)*) => {
        impl<F, W, $($argument),*> ExecFunction<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Daemon<W>,
            W: Work,
        {
            type Work = W;

            #[allow(non_snake_case)]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> Daemon<W> {
                self($($argument),*)
            }
        }
    };
}
functions!();
functions!(A);
functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E G);
functions!(A B C D E G H);
functions!(A B C D E G H I);

/// Returns the daemon that the function returns for these arguments.
pub fn exec_function<A, F>(function: &F, entry: &'static str, arguments: A) -> Result<ExecDaemon>
where
    A: Serialize + DeserializeOwned,
    F: ExecFunction<A>,
{
    // Encoded first: the call consumes them.
    let encoded = request::encode_arguments(entry, &arguments)?;
    Ok(ExecDaemon::new(function.call(arguments).without_work(), entry, encoded))
}

/// Runs the request with the daemon that the function returns.
pub fn run_function<A, F>(request: &Request, function: &F) -> Result<Started>
where
    A: DeserializeOwned,
    F: ExecFunction<A>,
{
    request.run_owned(|arguments| Ok::<_, Infallible>(function.call(arguments)))
}
