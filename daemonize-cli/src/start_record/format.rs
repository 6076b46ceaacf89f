//! The format of a record: JSON.

use super::record::StartRecord;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The largest record, in bytes.
pub(super) const MAX_RECORD_SIZE: usize = 256 * 1024;

/// The version of the format.
const FORMAT: u64 = 1;

/// Returns the text of a record.
pub(super) fn print(record: &StartRecord) -> String {
    let StartRecord { arguments, directory, pidfile, log, at } = record;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| text(path.as_os_str()));
    let document = json!({
        "format": FORMAT,
        "arguments": arguments.iter().map(|argument| text(argument)).collect::<Vec<_>>(),
        "directory": path(directory),
        "pidfile": path(pidfile),
        "log": path(log),
        "at": humantime::format_rfc3339_seconds(*at).to_string(),
    });
    format!("{document:#}\n")
}

/// Parses a record; `None` if it is not one, or of another version.
pub(super) fn parse(record: &[u8]) -> Option<StartRecord> {
    let document: Value = serde_json::from_slice(record).ok()?;
    if document.get("format")?.as_u64()? != FORMAT {
        return None;
    }
    let path = |key: &str| match document.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(value) => bytes(value).map(PathBuf::from).filter(|path| path.is_absolute()).map(Some),
    };
    Some(StartRecord {
        arguments: document.get("arguments")?.as_array()?.iter().map(bytes).collect::<Option<_>>()?,
        directory: path("directory")?,
        pidfile: path("pidfile")?,
        log: path("log")?,
        at: humantime::parse_rfc3339(document.get("at")?.as_str()?).ok()?,
    })
}

/// Returns a text as a string, or as a list of bytes if it is not UTF-8.
fn text(text: &OsStr) -> Value {
    text.to_str().map_or_else(|| json!(text.as_bytes()), |text| json!(text))
}

/// Returns the text of a string or a list of bytes, if it has no NUL.
fn bytes(value: &Value) -> Option<OsString> {
    let bytes = match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Array(bytes) => {
            bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (!bytes.contains(&0)).then(|| OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn record_of_any_arguments_is_read_as_it_was_written() {
        let record = StartRecord {
            arguments: vec!["--port".into(), "90\"00\n".into(), OsString::from_vec(vec![0xff, b'a'])],
            directory: Some("/home/ada".into()),
            pidfile: None,
            log: Some(OsString::from_vec(b"/tmp/\xff.log".to_vec()).into()),
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        };
        assert_eq!(parse(print(&record).as_bytes()), Some(record));
    }

    #[test]
    fn text_that_is_not_a_record_is_refused() {
        let good = r#"{"format":1,"arguments":["a"],"pidfile":"/run/a.pid","at":"2026-01-01T00:00:00Z"}"#;
        assert!(parse(good.as_bytes()).is_some());
        for (from, to) in [
            ("\"format\":1", "\"format\":2"),
            ("[\"a\"]", "\"a\""),
            ("[\"a\"]", "[\"a\\u0000\"]"),
            ("[\"a\"]", "[[256]]"),
            ("/run/a.pid", "a.pid"),
            ("2026-01-01T00:00:00Z", "yesterday"),
            ("}", ""),
        ] {
            assert_eq!(parse(good.replacen(from, to, 1).as_bytes()), None, "{to}");
        }
        assert_eq!(parse(b""), None);
    }
}
