//! Codes for a login to the status page.

use super::{Connection, taken};
use crate::exit_status::CliError;
use serde_json::json;

/// A code for a login to the status page.
pub(crate) struct PageCode {
    pub(crate) code: String,
    /// The seconds within which it can be used.
    pub(crate) valid_for: u64,
}

impl Connection {
    /// Makes a code for a login to the status page.
    pub(crate) fn page_code(&self) -> Result<PageCode, CliError> {
        let mut answer = self.send("/session/code", json!({}))?;
        Ok(PageCode { code: taken(&mut answer, "code")?, valid_for: taken(&mut answer, "valid_for")? })
    }
}
