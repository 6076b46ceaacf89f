//! Event handlers by name, and the stream of published events.

mod event;
mod handler_output;
mod handlers;
mod into_reply;
mod publisher;

pub use event::Event;
pub use handler_output::HandlerOutput;
pub(crate) use handler_output::{SlowRequest, SlowRequestPermit};
pub(crate) use handlers::Handlers;
pub use handlers::default_handler;
pub use into_reply::IntoReply;
pub use publisher::Publisher;
pub(crate) use publisher::Subscription;
