//! Event handlers by name, and the stream of what is published.

mod handlers;
mod publisher;
mod reply;

pub use handlers::{Answer, Event};
pub(crate) use handlers::{Handlers, SlowRequestPermit};
pub(crate) use publisher::Heard;
pub use publisher::Publisher;
pub use reply::IntoReply;
