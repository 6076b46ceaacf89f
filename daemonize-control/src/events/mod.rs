//! Event handlers by name, and the stream of what is published.

mod handlers;
mod publisher;
mod reply;

pub(crate) use handlers::Handlers;
pub use handlers::{Answer, Event};
pub(crate) use publisher::Heard;
pub use publisher::Publisher;
pub use reply::IntoReply;
