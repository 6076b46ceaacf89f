//! Reads `listen`.

use crate::bot::ListenAddress;
use crate::config::value::{Value, known_only};
use crate::config::value_parsers;

/// Reads `listen`: a list of addresses, or one.
pub(super) fn read(value: Value<'_>) -> Option<Vec<ListenAddress>> {
    let values = if value.is_list() { value.list("a list")? } else { vec![value] };
    let addresses: Vec<ListenAddress> = values.into_iter().map(address).collect::<Option<_>>()?;
    match crate::bot::check_addresses(&addresses) {
        Ok(()) => Some(addresses),
        Err(wrong) => value.wrong(wrong),
    }
}

fn address(value: Value<'_>) -> Option<ListenAddress> {
    if !value.is_text() {
        return unix_socket(value);
    }
    let text = value.expanded()?;
    if text.contains('/') {
        return value.path().map(ListenAddress::unix);
    }
    match value_parsers::address(&text) {
        Ok(address) => Some(ListenAddress::Tcp(address)),
        Err(_) if text.parse::<u16>().is_ok() => {
            value.wrong(format!("`{text}` has no address: write \"127.0.0.1:{text}\", or \"0.0.0.0:{text}\" for all"))
        }
        Err(wrong) => value.wrong(format!("{wrong}, or the path of a Unix socket")),
    }
}

/// Reads `{ path = "/run/web.sock", mode = "660" }`.
fn unix_socket(value: Value<'_>) -> Option<ListenAddress> {
    let what = "an address such as \"127.0.0.1:80\", or a table such as { path = \"/run/web.sock\", mode = \"660\" }";
    let keys = known_only(value.table(what)?, &["path", "mode"], &[]);
    let Some(path) = keys.get("path") else {
        return value.wrong("it has no `path`: write { path = \"/run/web.sock\", mode = \"660\" }");
    };
    let mut address = ListenAddress::unix(path.path()?);
    if let (Some(text), ListenAddress::Unix { mode, .. }) = (keys.get("mode"), &mut address) {
        *mode = match text.octal() {
            Some(digits) => octal_mode(&digits).map_or_else(|wrong| text.wrong(wrong), Some),
            None => text.parsed(octal_mode, "octal digits in quotes, such as \"660\""),
        }?;
    }
    Some(address)
}

fn octal_mode(text: &str) -> Result<u32, String> {
    value_parsers::umask(text).map_err(|_| format!("`{text}` is not a mode: write octal digits, such as \"660\""))
}
