//! Accepts connections, reads requests strictly, writes responses.

mod reader;
