//! Reads `check`, and the probes that `ready` has too.

use crate::bot::{Check, HttpUrl, Probe};
use crate::config::value::Value;
use crate::config::value_parsers;
use std::ffi::OsString;
use std::net::SocketAddr;

/// The most failures in a row.
const MAX_FAILURES: u32 = 1000;

/// Reads `check`.
pub(super) fn read(value: Value<'_>) -> Option<Check> {
    let keys = value.keys(&["http", "tcp", "exec", "every", "timeout", "failures"], &[])?;
    let http = keys.get("http").map(|value| url(value).map(Probe::Http));
    let tcp = keys.get("tcp").map(|value| address(value).map(Probe::Tcp));
    let exec = keys.get("exec").map(|value| argv(value).map(Probe::Exec));
    let mut said = [http, tcp, exec].into_iter().flatten();
    let probe = match (said.next(), said.next()) {
        (Some(one), None) => one?,
        _ => return value.wrong("expected one of `http`, `tcp` and `exec`"),
    };
    let mut check = Check::new(probe);
    keys.set("every", &mut check.every, |value| value.timeout());
    keys.set("timeout", &mut check.timeout, |value| value.timeout());
    keys.set("failures", &mut check.failures, |value| value.integer(1..=MAX_FAILURES));
    Some(check)
}

/// Reads a URL.
pub(super) fn url(value: Value<'_>) -> Option<HttpUrl> {
    value.expanded()?.parse().map_or_else(|wrong: String| value.wrong(wrong), Some)
}

/// Reads an address and port.
fn address(value: Value<'_>) -> Option<SocketAddr> {
    value_parsers::peer_address(&value.expanded()?).map_or_else(|wrong| value.wrong(wrong), Some)
}

/// Reads a program with its arguments.
pub(super) fn argv(value: Value<'_>) -> Option<Vec<OsString>> {
    let values = value.list("a program with its arguments, such as [\"pg_isready\", \"-q\"]")?;
    let Some((program, arguments)) = values.split_first() else {
        return value.wrong("it has no program: write [\"PROGRAM\", \"ARGUMENT\"]");
    };
    let mut argv = vec![program.program()?.into_os_string()];
    for argument in arguments {
        argv.push(argument.expanded()?.into());
    }
    Some(argv)
}
