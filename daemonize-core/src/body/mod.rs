//! The body of a daemon: a function, repeated steps, or a handler of messages, and its result.

#[cfg(feature = "tokio")]
mod async_body;
#[cfg(feature = "tokio")]
mod async_step;
mod catch_panic;
mod into_exit;
pub(crate) mod messages;
mod pacing;
mod result;
mod run;
mod runtime;
mod step;
mod waiting;
mod work;

#[cfg(feature = "tokio")]
pub(crate) use async_body::RuntimePlan;
#[cfg(feature = "tokio")]
pub(crate) use async_step::steps;
pub(crate) use catch_panic::{Unwound, guarded, panic_text};
pub use into_exit::{IntoControlFlow, IntoExit, Never};
#[cfg(feature = "tokio")]
pub(crate) use messages::handle_messages_async;
#[doc(hidden)]
pub use messages::pump;
#[cfg(feature = "tokio")]
#[doc(hidden)]
pub use messages::pump_async;
pub(crate) use messages::{Ack, Fetched, Messages, Retry};
#[cfg(feature = "tokio")]
pub(crate) use messages::{AckAsync, FetchAsync};
pub(crate) use messages::{HandlerSettings, IDLE_TIME, LARGEST_POOL, POOL_SIZE, handle_messages};
pub use result::BodyResult;
pub use run::Run;
#[doc(hidden)]
pub use runtime::Runtime;
pub(crate) use runtime::run_blocking;
#[cfg(feature = "tokio")]
pub(crate) use runtime::{CurrentRuntime, current_runtime};
pub use step::Step;
pub use waiting::while_waiting;
pub use work::Work;
