//! Reads `ready`.

use super::check;
use crate::bot::Ready;
use crate::config::value::{Value, known_only};
use crate::config::value_parsers;

/// Reads `ready`.
pub(super) fn read(value: Value<'_>) -> Option<Ready> {
    if value.is_text() {
        return value.parsed(ready_word, "");
    }
    let values = value.table("\"notify\", \"exit\", or a table such as { tcp = \"127.0.0.1:80\" }")?;
    let keys = known_only(values, &["tcp", "http", "exec", "file", "output", "after"], &[]);
    let tcp = keys.get("tcp").map(|value| {
        value.parsed(value_parsers::peer_address, "an address and port, such as \"127.0.0.1:80\"").map(Ready::Tcp)
    });
    let http = keys.get("http").map(|value| check::url(value).map(Ready::Http));
    let exec = keys.get("exec").map(|value| check::argv(value).map(Ready::Exec));
    let file = keys.get("file").map(|value| value.path().map(Ready::File));
    let output = keys.get("output").map(|value| match &*value.text()? {
        "" => value.wrong("it is in every line: write a part of the line that says it is ready"),
        text => Some(Ready::Output(text.to_owned())),
    });
    let after = keys.get("after").map(|value| value.wait().map(Ready::After));
    let mut said = [tcp, http, exec, file, output, after].into_iter().flatten();
    match (said.next(), said.next()) {
        (Some(one), None) => one,
        _ => value.wrong("expected one of `tcp`, `http`, `exec`, `file`, `output` and `after`"),
    }
}

fn ready_word(text: &str) -> Result<Ready, String> {
    match text {
        "at-once" => Ok(Ready::AtOnce),
        "notify" => Ok(Ready::Notify),
        "exit" => Ok(Ready::Exit),
        _ => Err(format!(
            "`{text}` is not known: write \"at-once\", \"notify\", \"exit\", or a table such as {{ tcp = \"127.0.0.1:80\" }}"
        )),
    }
}
