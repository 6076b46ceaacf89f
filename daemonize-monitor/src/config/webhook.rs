//! Reads the key `webhook`. Its address may hold a secret, and is in no error.

use super::trusted_file;
use super::value::Value;
use crate::settings::Webhook;

/// Reads `webhook`.
pub(super) fn read(value: Value<'_>) -> Option<Webhook> {
    let keys = value.keys(&["url", "events", "ca"], &[])?;
    let Some(url) = keys.get("url") else {
        return value.wrong("it has no address: write { url = \"${DAEMON_HOOK_URL}\" }");
    };
    if !cfg!(feature = "webhook") {
        return value.wrong(
            "this program was built without it: install it with `cargo install daemonize-monitor --features webhook`",
        );
    }
    // The mistake of the expansion would show the rest of the address.
    if url.raw_text()?.rsplit_once("${").is_some_and(|(_, rest)| !rest.contains('}')) {
        return url.wrong("a variable in it has no end: write `${NAME}`");
    }
    let mut webhook = Webhook::new(&url.expanded()?).map_or_else(|wrong| url.wrong(wrong), Some)?;
    keys.set("events", &mut webhook.events, |value| {
        let events = value.list("a list of events, such as [\"gave-up\"]")?;
        events.into_iter().map(|event| event.parsed(str::parse, "the name of an event")).collect()
    });
    match keys.get("ca") {
        Some(ca) => trust(&webhook, ca),
        None => Some(webhook),
    }
}

/// Reads `ca`: a file that no other user can write or replace, as its authorities decide who learns what the webhook posts.
fn trust(webhook: &Webhook, ca: Value<'_>) -> Option<Webhook> {
    let path = ca.path()?;
    let read = trusted_file::read(&path).and_then(|(pem, _)| webhook.clone().trust(&pem));
    read.map_or_else(|wrong| ca.wrong(format!("failed to read `{}`: {wrong}", path.display())), Some)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn read(text: &str) -> Result<Config, String> {
        let variables = |name: &str| (name == "HOOK_URL").then(|| "https://chat.example.org/s3cret".to_owned());
        Config::parse("/etc/bots.toml", text, &variables).map_err(|mistakes| format!("{mistakes}"))
    }

    /// Promise 6.73.
    #[test]
    fn address_of_a_webhook_is_in_no_mistake_and_no_plan() {
        let texts = [
            "{ url = \"ftp://x/s3cret\" }",
            "{ url = \"${HOOK_URL} s3cret\" }",
            "{ url = \"http://x/s3cret\" }",
            "{ url = \"https://x/${A s3cret\" }",
        ];
        for text in texts {
            let mistake = read(&format!("[monitor]\nwebhook = {text}\n")).unwrap_err();
            assert!(mistake.contains("`url`: ") || mistake.contains("built without"), "{mistake}");
            assert!(!mistake.contains("s3cret"), "{mistake}");
        }
        let valid = read("[monitor]\nwebhook = { url = \"${HOOK_URL}\", events = [\"exit\"] }\n");
        if cfg!(feature = "webhook") {
            let (old, new) = (read("[monitor]\nname = \"m\"\n").unwrap(), valid.unwrap());
            let plan = old.plan(&new);
            assert!(plan.settings.contains(&"webhook"), "{plan}");
            assert!(!format!("{plan} {plan:?} {new:?}").contains("s3cret"));
        } else {
            assert!(valid.unwrap_err().contains("--features webhook"));
        }
        assert!(read("[monitor]\nwebhook = { events = [] }\n").unwrap_err().contains("it has no address"));
    }
}
