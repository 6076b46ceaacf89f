//! The outcome of a start as bytes, for a program in which another process calls `start` and reports to this one.
//!
//! The process that starts the daemon [encodes](encode) what `start` has returned and sends it; the other one [decodes](decode) it and
//! goes on as if it had called `start` itself: the same kind of error with the same text, and the output of the start. Both processes
//! execute programs of this version of the library; the format is not stable between versions, and of another one nothing is decoded.
//!
//! ```
//! use daemon::Daemon;
//! use daemonize_core::relay;
//!
//! let outcome = Daemon::new("").run(|| ()).start();
//! let bytes = relay::encode(&outcome);
//! assert!(bytes.len() <= relay::ENCODED_LIMIT);
//! let error = relay::decode(&bytes).expect("it is an outcome").unwrap_err();
//! assert_eq!(error.to_string(), "failed to configure the daemon: its name is empty");
//! assert_eq!(relay::decode(b"anything else").is_none(), true);
//! ```

mod kind;
mod reader;
mod writer;

use crate::error::{Error, Result};
use crate::launch::{Destination, Started};
use crate::pid::Pid;
use reader::Reader;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use writer::Writer;

/// The longest result of [`encode`], in bytes, and the longest argument that [`decode`] accepts.
pub const ENCODED_LIMIT: usize = 256 * 1024;

/// The first byte: the version of the format.
const FORMAT: u8 = 1;

/// The longest path, in bytes (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;

/// The longest text of an error, in bytes.
const TEXT_LIMIT: usize = 32 * 1024;

/// The longest output of one stream, in bytes.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// The number of warnings.
const WARNING_COUNT_LIMIT: usize = 16;

/// The longest warning, in bytes.
const WARNING_LIMIT: usize = 1024;

/// Encodes the outcome of a start. What exceeds the limits of a start is truncated: the text of an error at 32 KiB, the output at
/// 64 KiB for each stream, 16 warnings at 1 KiB each.
#[must_use]
pub fn encode(outcome: &Result<Started>) -> Vec<u8> {
    let mut writer = Writer::new(FORMAT);
    match outcome {
        Ok(started) => {
            writer.byte(b'S');
            writer.number(started.pid.as_raw());
            writer.bytes(started.pidfile.as_os_str().as_bytes(), PATH_LIMIT);
            write_destination(&mut writer, &started.stdout);
            write_destination(&mut writer, &started.stderr);
            writer.bytes(&started.output, OUTPUT_LIMIT);
            writer.bytes(&started.errors, OUTPUT_LIMIT);
            let warnings = &started.warnings[..started.warnings.len().min(WARNING_COUNT_LIMIT)];
            writer.byte(u8::try_from(warnings.len()).unwrap_or(u8::MAX));
            for warning in warnings {
                writer.text(warning, WARNING_LIMIT);
            }
        }
        Err(error) => {
            writer.byte(b'F');
            let (letter, detail) = kind::encode(error.kind());
            writer.byte(letter);
            writer.number(detail);
            writer.text(&format!("{error}"), TEXT_LIMIT);
            writer.bytes(error.output(), OUTPUT_LIMIT);
            writer.bytes(error.errors(), OUTPUT_LIMIT);
        }
    }
    writer.finish()
}

/// Decodes the outcome of a start. Returns `None` for bytes that [`encode`] would not have returned, such as those of another version of
/// the library. The text of an error is escaped, as it is in every [`Error`]; pid, paths, output and warnings are those of the sender.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Result<Started>> {
    if bytes.len() > ENCODED_LIMIT {
        return None;
    }
    let mut reader = Reader::new(bytes);
    if reader.byte()? != FORMAT {
        return None;
    }
    let outcome = match reader.byte()? {
        b'S' => Ok(read_started(&mut reader)?),
        b'F' => Err(read_error(&mut reader)?),
        _ => return None,
    };
    reader.is_empty().then_some(outcome)
}

fn read_started(reader: &mut Reader<'_>) -> Option<Started> {
    let pid = Pid::from_raw(reader.number()?)?;
    let pidfile = path(reader.bytes(PATH_LIMIT)?)?;
    let (stdout, stderr) = (read_destination(reader)?, read_destination(reader)?);
    let (output, errors) = (reader.bytes(OUTPUT_LIMIT)?.to_vec(), reader.bytes(OUTPUT_LIMIT)?.to_vec());
    let count = Some(usize::from(reader.byte()?)).filter(|count| *count <= WARNING_COUNT_LIMIT)?;
    let warnings = (0..count).map(|_| reader.text(WARNING_LIMIT).map(str::to_owned)).collect::<Option<_>>()?;
    Some(Started { pid, pidfile, stdout, stderr, output, errors, warnings })
}

fn read_error(reader: &mut Reader<'_>) -> Option<Error> {
    let letter = reader.byte()?;
    let kind = kind::decode(letter, reader.number()?)?;
    let error = Error::new(kind, reader.text(TEXT_LIMIT)?);
    let (output, errors) = (reader.bytes(OUTPUT_LIMIT)?, reader.bytes(OUTPUT_LIMIT)?);
    Some(error.with_capture(output.to_vec(), errors.to_vec()))
}

fn write_destination(writer: &mut Writer, destination: &Destination) {
    match destination {
        Destination::File(path) => {
            writer.byte(b'f');
            writer.bytes(path.as_os_str().as_bytes(), PATH_LIMIT);
        }
        Destination::Null => writer.byte(b'n'),
        Destination::Inherited => writer.byte(b'i'),
        Destination::Descriptor => writer.byte(b'd'),
    }
}

fn read_destination(reader: &mut Reader<'_>) -> Option<Destination> {
    Some(match reader.byte()? {
        b'f' => Destination::File(path(reader.bytes(PATH_LIMIT)?)?),
        b'n' => Destination::Null,
        b'i' => Destination::Inherited,
        b'd' => Destination::Descriptor,
        _ => return None,
    })
}

/// Returns a path; `None` if it contains a null byte, which no path does.
fn path(bytes: &[u8]) -> Option<PathBuf> {
    (!bytes.contains(&0)).then(|| OsString::from_vec(bytes.to_vec()).into())
}

#[cfg(test)]
mod tests;
