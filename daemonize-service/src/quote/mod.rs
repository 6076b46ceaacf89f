//! Quotes words for the parsers of service managers.
//!
//! A word holds no control character: [`Definition::validate`](crate::definition::Definition::validate) has refused it. Each function
//! here is the inverse of its parser for every other text.

pub(crate) mod shell;
pub(crate) mod systemd;
pub(crate) mod xml;
