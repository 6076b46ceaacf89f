//! The key `webhook`: an address that learns what happens to bots.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// An occasion that a webhook reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// A bot has exited, which no command has asked for.
    Exit,
    /// A bot is given up, since it has exited too often.
    GaveUp,
    /// A bot is unhealthy.
    Unhealthy,
}

/// The events, as they are written.
const NAMES: [(&str, WebhookEvent); 3] =
    [("exit", WebhookEvent::Exit), ("gave-up", WebhookEvent::GaveUp), ("unhealthy", WebhookEvent::Unhealthy)];

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, event)| event == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for WebhookEvent {
    type Err = String;

    /// Parses `exit`, `gave-up` or `unhealthy`.
    fn from_str(text: &str) -> Result<WebhookEvent, String> {
        let found = NAMES.iter().find(|(name, _)| *name == text).map(|(_, event)| *event);
        found.ok_or_else(|| format!("`{text}` is not an event: write \"exit\", \"gave-up\" or \"unhealthy\""))
    }
}

/// An address to which the monitor posts what happens to bots, as JSON. It may hold a secret, so it is never shown: its `Debug`
/// output leaves it out.
///
/// ```
/// use daemonize_monitor::{Webhook, WebhookEvent};
///
/// let webhook = Webhook::new("https://chat.example.org/hooks/s3cret")?;
/// assert_eq!(webhook.events, [WebhookEvent::GaveUp, WebhookEvent::Unhealthy]);
/// assert!(!format!("{webhook:?}").contains("s3cret"));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Webhook {
    url: Arc<str>,
    /// The events that are reported.
    pub events: Vec<WebhookEvent>,
    authorities: Option<Arc<[Vec<u8>]>>,
}

impl Webhook {
    /// Creates a webhook of the events `gave-up` and `unhealthy`.
    ///
    /// # Errors
    ///
    /// The address is not an `https://` URL, nor an `http://` URL of an address of this machine. The error does not show it.
    pub fn new(url: &str) -> Result<Webhook, String> {
        let is_visible = url.bytes().all(|byte| byte.is_ascii_graphic());
        let is_allowed = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => !host(rest).is_empty(),
            (_, Some(rest)) => is_of_this_machine(host(rest)),
            _ => false,
        };
        if !is_visible || !is_allowed {
            return Err("it is not an `https://` address (`http://` is for 127.0.0.1, [::1] and localhost only)".into());
        }
        let events = vec![WebhookEvent::GaveUp, WebhookEvent::Unhealthy];
        Ok(Webhook { url: url.into(), events, authorities: None })
    }

    /// Trusts these authorities alone, instead of the public ones that this program knows: certificates in PEM.
    ///
    /// # Errors
    ///
    /// There is no certificate in it that could be an authority's, or this program was built without the feature `webhook`.
    pub fn trust(mut self, pem: &[u8]) -> Result<Webhook, String> {
        self.authorities = Some(super::webhook_authorities::parse(pem)?.into());
        Ok(self)
    }

    /// Returns the certificates of the authorities that are trusted instead of the public ones, in DER.
    #[cfg_attr(not(feature = "webhook"), allow(dead_code))]
    pub(crate) fn authorities(&self) -> Option<&[Vec<u8>]> {
        self.authorities.as_deref()
    }

    /// Returns the address. It may hold a secret: it must reach no log, no error and no client.
    #[cfg_attr(not(feature = "webhook"), allow(dead_code))]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("events", &self.events).finish_non_exhaustive()
    }
}

/// Returns the host of a URL without its scheme; without what stands before an `@`, which is not it.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let address = authority.rsplit('@').next().unwrap_or_default();
    match address.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => address.split(':').next().unwrap_or_default(),
    }
}

fn is_of_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_accepted() {
        for url in
            ["https://x.example/y?z", "https://a:b@x", "http://127.0.0.1:80/x", "http://[::1]/", "http://localhost"]
        {
            assert!(Webhook::new(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "x",
            "https://",
            "https:///x",
            "ftp://x",
            "http://x.example/s3cret",
            "http://127.0.0.1@x.example/s3cret",
            "http://localhost.evil/s3cret",
            "http://192.0.2.1/s3cret",
            "https://x/\r\nHost: s3cret",
            "https://x/s3cret y",
        ] {
            let error = Webhook::new(url).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
