//! Reads the key `webhook`. Its address may hold a secret, and is in no error.

use super::value::Value;
use crate::settings::Webhook;

/// Reads `webhook`.
pub(super) fn read(value: Value<'_>) -> Option<Webhook> {
    let keys = value.keys(&["url", "events"], &[])?;
    let Some(url) = keys.get("url") else {
        return value.wrong("it has no address: write { url = \"${HOOK_URL}\" }");
    };
    if !cfg!(feature = "webhook") {
        return value.wrong(
            "this program was built without it: install it with `cargo install daemonize-monitor --features webhook`",
        );
    }
    let mut webhook = Webhook::new(&url.expanded()?).map_or_else(|wrong| url.wrong(wrong), Some)?;
    keys.set("events", &mut webhook.events, |value| {
        let events = value.list("a list of events, such as [\"gave-up\"]")?;
        events.into_iter().map(|event| event.parsed(str::parse, "the name of an event")).collect()
    });
    Some(webhook)
}
