//! The format of lines of the monitor's own log, in the notation of the original: `%(levelname)8s %(message)s`.

use std::fmt::{self, Write};
use std::str::FromStr;

/// The fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The time, formatted.
    pub time: &'a str,
    /// The level: `INFO`.
    pub level: &'a str,
    /// The monitor's name.
    pub name: &'a str,
    /// The monitor's pid.
    pub process: u32,
    /// The message.
    pub message: &'a str,
}

/// The format of a log line.
///
/// Fields are `%(asctime)s`, `%(levelname)s`, `%(name)s`, `%(process)d` and `%(message)s`, with a width such as `%(levelname)8s`
/// (`-` for flush left, `0` for leading zeros); `%%` is a percent sign.
///
/// ```
/// use daemonize_monitor::{Format, Line};
///
/// let format: Format = "%(levelname)8s %(process)05d: %(message)s".parse().unwrap();
/// let line = Line { time: "", level: "INFO", name: "monitor", process: 42, message: "started" };
/// assert_eq!(format.line(&line), "    INFO 00042: started");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field { field: Field, width: usize, left: bool, zeros: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Time,
    Level,
    Name,
    Process,
    Message,
}

/// The names of the fields, in the notation of the original.
const FIELDS: [(&str, Field); 5] = [
    ("asctime", Field::Time),
    ("levelname", Field::Level),
    ("name", Field::Name),
    ("process", Field::Process),
    ("message", Field::Message),
];

/// No field is wider.
const MAX_WIDTH: usize = 200;

impl Default for Format {
    /// `%(asctime)s %(levelname)s %(message)s`.
    fn default() -> Format {
        "%(asctime)s %(levelname)s %(message)s".parse().unwrap_or(Format { pieces: Vec::new() })
    }
}

impl Format {
    /// One line, without its end.
    pub fn line(&self, line: &Line<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            // Writing to a string cannot fail.
            let _ = match piece {
                Piece::Text(plain) => text.write_str(plain),
                Piece::Field { field, width, left, zeros } => {
                    let value = field.of(line);
                    match (left, *zeros && *field == Field::Process) {
                        (true, _) => write!(text, "{value:<width$}"),
                        (false, true) => write!(text, "{value:0>width$}"),
                        (false, false) => write!(text, "{value:>width$}"),
                    }
                }
            };
        }
        text
    }
}

impl Field {
    fn of(self, line: &Line<'_>) -> String {
        match self {
            Field::Time => line.time.to_owned(),
            Field::Level => line.level.to_owned(),
            Field::Name => line.name.to_owned(),
            Field::Process => line.process.to_string(),
            Field::Message => line.message.to_owned(),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    /// Reads the notation; the error says what to write.
    fn from_str(text: &str) -> Result<Format, String> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(percent) = rest.find('%') {
            let (before, after) = (&rest[..percent], &rest[percent + 1..]);
            pieces.push(Piece::Text(before.to_owned()));
            let (piece, length) = piece(after)?;
            pieces.push(piece);
            rest = &after[length..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Format { pieces })
    }
}

/// Parses the text after a percent sign. Returns it with its length.
fn piece(after: &str) -> Result<(Piece, usize), String> {
    if after.starts_with('%') {
        return Ok((Piece::Text("%".into()), 1));
    }
    let unknown = || "a `%` begins neither a field, such as `%(message)s`, nor `%%`".to_owned();
    let (name, spec) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')).ok_or_else(unknown)?;
    let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
        let known = FIELDS.map(|(known, _)| format!("`%({known})s`")).join(", ");
        return Err(format!("`%({name})` is not known: write one of {known}"));
    };
    let end = spec.find(['s', 'd']).ok_or_else(unknown)?;
    let flags = spec[..end].len() - spec[..end].trim_start_matches(['-', '0']).len();
    let width = &spec[flags..end];
    let width = if width.is_empty() { Ok(0) } else { width.parse::<usize>() };
    let width =
        width.ok().filter(|width| *width <= MAX_WIDTH).ok_or_else(|| format!("`{}` is no width", &spec[..end]))?;
    let flags = &spec[..flags];
    let piece = Piece::Field { field: *field, width, left: flags.contains('-'), zeros: flags.contains('0') };
    Ok((piece, name.len() + 2 + end + 1))
}

impl fmt::Display for Format {
    /// In the notation it was read from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => f.write_str(&plain.replace('%', "%%"))?,
                Piece::Field { field, width, left, zeros } => {
                    let name = FIELDS.iter().find(|(_, known)| known == field).map_or("", |(name, _)| name);
                    let flags = [(*left, "-"), (*zeros, "0")].map(|(set, flag)| if set { flag } else { "" }).concat();
                    let width = if *width == 0 { String::new() } else { width.to_string() };
                    let letter = if *field == Field::Process { 'd' } else { 's' };
                    write!(f, "%({name}){flags}{width}{letter}")?;
                }
            }
        }
        Ok(())
    }
}
