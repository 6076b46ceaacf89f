//! Event handlers by name, and the stream of what is published.
