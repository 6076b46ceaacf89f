//! Posts a report by HTTP.

use super::PostResult;
use crate::settings::Webhook;
use std::time::Duration;
use ureq::{Agent, Error};

/// How long one try may take in all, the lookup of the name included.
const POST_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of the server of one webhook.
pub(super) struct Client {
    agent: Agent,
    webhook: Webhook,
}

impl Client {
    pub(super) fn new(webhook: &Webhook) -> Client {
        let config = Agent::config_builder()
            .timeout_global(Some(POST_TIMEOUT))
            // The address may hold a secret, which no other server is to learn.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("daemonctl/", env!("CARGO_PKG_VERSION")))
            .build();
        Client { agent: config.into(), webhook: webhook.clone() }
    }

    /// Posts a body of JSON. The answer's body is not read.
    pub(super) fn post(&self, body: &str) -> PostResult {
        let request = self.agent.post(self.webhook.url()).content_type("application/json");
        match request.send(body) {
            Ok(answer) if answer.status().is_success() => PostResult::Done,
            Ok(answer) => PostResult::Status(answer.status().as_u16()),
            Err(error) => PostResult::Failed(cause(&error)),
        }
    }
}

/// Returns the cause of an error, without any text that could hold the address.
fn cause(error: &Error) -> &'static str {
    match error {
        Error::Timeout(_) => "the server did not answer in time",
        Error::HostNotFound => "the host was not found",
        Error::BadUri(_) => "the address is not valid",
        Error::Tls(_) | Error::Rustls(_) => "the server's certificate is not trusted, or TLS failed",
        _ => "the connection failed",
    }
}
