//! The form of lines on stdout: text with the name of the bot in front, or JSON. Control characters are escaped: a log of a container
//! is read on terminals.

use super::console_item::{ConsoleItem, ConsoleStyle};
use crate::logs::{OutputChunk, OutputStream, time};
use daemonize_sys::escape::{escape, escape_bytes, escape_json};
use log::Level;
use serde::Serialize;
use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

/// The name before messages of the monitor; no bot can be called so.
const MONITOR_NAME: &str = "[monitor]";

/// The width at which names are not padded any more.
const MAX_NAME_WIDTH: usize = 24;

/// How much is formatted before it is written.
const PIECE_BYTES: usize = 64 * 1024;

/// The colours of names: all of a terminal's that are neither red, which is for errors, nor those of text and ground.
const COLORS: [u8; 10] = [32, 33, 34, 35, 36, 92, 93, 94, 95, 96];

/// Returns the number of the colour of a bot, which is the same in each program.
pub(crate) fn bot_color(name: &str) -> u8 {
    // FNV-1a, so that `web:1` and `web:2` have different ones.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    COLORS[(hash >> 8) as usize % COLORS.len()]
}

/// One line as JSON.
#[derive(Serialize)]
struct ConsoleLine<'a> {
    /// RFC 3339, in UTC.
    time: &'a str,
    /// `None` for the monitor.
    bot: Option<&'a str>,
    /// `monitor` for its own messages; `None` if both streams of the bot share one pipe.
    stream: Option<&'static str>,
    run: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    text: &'a str,
}

/// Formats lines.
pub(super) struct LineWriter {
    style: ConsoleStyle,
    /// The width of the names so far.
    width: usize,
    buffer: Vec<u8>,
}

impl LineWriter {
    pub(super) fn new(style: ConsoleStyle, width: usize) -> LineWriter {
        let width = width.max(MONITOR_NAME.len()).min(MAX_NAME_WIDTH);
        LineWriter { style, width, buffer: Vec::new() }
    }

    /// Formats an item, and writes it in pieces of whole lines. Returns `true` if all of it was written.
    pub(super) fn write(&mut self, item: &ConsoleItem, mut write: impl FnMut(&[u8]) -> bool) -> bool {
        self.buffer.clear();
        match item {
            ConsoleItem::Lines(chunk) => {
                let time = time(Duration::from_millis(chunk.stamp.time));
                let lines = chunk.lines.strip_suffix(b"\n").unwrap_or(&chunk.lines);
                for line in lines.split(|byte| *byte == b'\n') {
                    self.line(chunk, &time, line);
                    if self.buffer.len() >= PIECE_BYTES {
                        if !write(&self.buffer) {
                            return false;
                        }
                        self.buffer.clear();
                    }
                }
            }
            ConsoleItem::Message { time: at, level, text } => {
                self.message(&time(Duration::from_millis(*at)), *level, text);
            }
        }
        write(&self.buffer)
    }

    fn line(&mut self, chunk: &OutputChunk, time: &str, line: &[u8]) {
        let (bot, stream) = (&*chunk.bot.name, chunk.stamp.stream);
        if self.style.json {
            let text = String::from_utf8_lossy(line);
            let (stream, run) = (stream.map(OutputStream::name), Some(chunk.stamp.run));
            return self.json(&ConsoleLine { time, bot: Some(bot), stream, run, level: None, text: &text });
        }
        let mark = if stream == Some(OutputStream::Stderr) { '!' } else { '|' };
        self.text(bot, bot_color(bot), mark, &escape_bytes(line));
    }

    fn message(&mut self, time: &str, level: Level, text: &str) {
        if self.style.json {
            let level = Some(level.as_str());
            return self.json(&ConsoleLine { time, bot: None, stream: Some("monitor"), run: None, level, text });
        }
        let mark = if level <= Level::Warn { '!' } else { '|' };
        self.text(MONITOR_NAME, 90, mark, &format!("{level} {}", escape(text)));
    }

    fn text(&mut self, name: &str, color: u8, mark: char, text: &str) {
        let name = escape(name);
        self.width = self.width.max(name.chars().count().min(MAX_NAME_WIDTH));
        let width = self.width;
        // Writing to memory cannot fail.
        let _ = if self.style.colors {
            let mark = if mark == '!' { Cow::Borrowed("\x1b[31m!\x1b[0m") } else { mark.to_string().into() };
            writeln!(self.buffer, "\x1b[{color}m{name:width$}\x1b[0m {mark} {text}")
        } else {
            writeln!(self.buffer, "{name:width$} {mark} {text}")
        };
    }

    fn json(&mut self, line: &ConsoleLine<'_>) {
        // Serialization fails only for maps with keys that are not strings; there are none.
        let text = serde_json::to_string(line).unwrap_or_default();
        self.buffer.extend_from_slice(escape_json(&text).as_bytes());
        self.buffer.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::Bot;
    use crate::logs::LineStamp;
    use std::sync::Arc;

    const PLAIN: ConsoleStyle = ConsoleStyle { json: false, colors: false };

    fn written(style: ConsoleStyle, stream: Option<OutputStream>, lines: &[u8]) -> String {
        let stamp = LineStamp { time: 1500, run: 3, stream };
        let chunk = OutputChunk { bot: Arc::new(Bot::new("web", "/bin/web")), stamp, lines: lines.into() };
        let mut writer = LineWriter::new(style, 3);
        let mut out = Vec::new();
        let mut write = |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            bytes.ends_with(b"\n")
        };
        assert!(writer.write(&ConsoleItem::Lines(Arc::new(chunk)), &mut write));
        let text = "failed to `\x1b[2J`".into();
        assert!(writer.write(&ConsoleItem::Message { time: 1500, level: Level::Warn, text }, &mut write));
        String::from_utf8(out).expect("UTF-8")
    }

    /// Promise 6.57. A bot can neither drive the terminal, nor forge a line of another bot or of the monitor.
    #[test]
    fn hostile_lines_are_escaped_and_keep_their_name() {
        let lines = b"one\n\x1b[2J\xff\r[monitor] | INFO forged\n\n";
        assert_eq!(
            written(PLAIN, Some(OutputStream::Stderr), lines),
            "web       ! one\nweb       ! \\u{1b}[2J\\xff\\r[monitor] | INFO forged\nweb       ! \n\
             [monitor] ! WARN failed to `\\u{1b}[2J`\n"
        );
        let colored = written(ConsoleStyle { colors: true, ..PLAIN }, None, lines);
        assert!(colored.starts_with("\u{1b}[") && colored.contains("web      \u{1b}[0m | one\n"), "{colored}");
        let json = written(ConsoleStyle { json: true, ..PLAIN }, Some(OutputStream::Stdout), lines);
        let lines: Vec<serde_json::Value> =
            json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 4, "{json}");
        let first = serde_json::json!({
            "time": "1970-01-01T00:00:01.500Z", "bot": "web", "stream": "stdout", "run": 3, "text": "one"
        });
        assert_eq!(lines[0], first);
        assert_eq!(lines[1]["text"], "\u{1b}[2J\u{fffd}\r[monitor] | INFO forged");
        assert_eq!(
            (&lines[3]["bot"], &lines[3]["stream"], &lines[3]["level"]),
            (&serde_json::Value::Null, &"monitor".into(), &"WARN".into())
        );
        assert!(json.is_ascii() || !json.contains('\u{1b}'), "{json}");
    }

    #[test]
    fn many_lines_are_written_in_pieces() {
        let lines = b"\n".repeat(64 * 1024);
        let stamp = LineStamp { time: 0, run: 1, stream: None };
        let chunk = OutputChunk { bot: Arc::new(Bot::new("web", "/bin/web")), stamp, lines: lines.into() };
        let (mut most, mut count) = (0, 0);
        let write = |bytes: &[u8]| {
            most = most.max(bytes.len());
            count += memchr::memchr_iter(b'\n', bytes).count();
            true
        };
        LineWriter::new(PLAIN, 3).write(&ConsoleItem::Lines(Arc::new(chunk)), write);
        assert!(count == 64 * 1024 && most < 2 * PIECE_BYTES, "{count} {most}");
    }
}
