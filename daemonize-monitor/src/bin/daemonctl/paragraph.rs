//! Lays out rows of a name and a text, wrapped at the width of the terminal.

use crate::output::{Output, Tone};

/// The width of the column of names, with the space behind it.
const NAME_WIDTH: usize = 18;
/// The indentation of rows.
const INDENT: &str = "  ";
/// The indentation of lines that a bot has printed.
const QUOTE: &str = "      ";
/// The narrowest column of text: on a narrower terminal the text stands below its name.
const MIN_TEXT_WIDTH: usize = 24;
/// The widest line, for the eye: text is wrapped here on a wider terminal.
const MAX_WIDTH: usize = 110;

/// Lines of rows. Text of other programs must be escaped before it is added.
pub(crate) struct Paragraph {
    output: Output,
    width: Option<usize>,
    lines: Vec<String>,
}

impl Paragraph {
    /// Makes an empty paragraph; without a width, no line is wrapped.
    pub(crate) fn new(output: Output, width: Option<usize>) -> Paragraph {
        Paragraph { output, width: width.map(|width| width.min(MAX_WIDTH)), lines: Vec::new() }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Adds a line, which is not wrapped.
    pub(crate) fn line(&mut self, text: &str) {
        self.lines.push(text.to_owned());
    }

    /// Adds a row, unless its text is empty.
    pub(crate) fn row(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let column = INDENT.len() + NAME_WIDTH;
        let name = name.trim();
        let length = name.chars().count();
        let has_room = self.width.is_none_or(|width| width >= column + MIN_TEXT_WIDTH);
        if has_room && length < NAME_WIDTH {
            // Behind the paint, so that a colour does not count as width.
            let (painted, padding) = (self.output.paint(Tone::Dimmed, name), " ".repeat(NAME_WIDTH - length));
            let mut parts = wrapped(text, self.width.map(|width| width - column)).into_iter();
            self.lines.push(format!("{INDENT}{painted}{padding}{}", parts.next().unwrap_or_default()));
            self.lines.extend(parts.map(|part| format!("{}{part}", " ".repeat(column))));
        } else {
            self.add(INDENT, name, Some(Tone::Dimmed));
            self.add(QUOTE, text, None);
        }
    }

    /// Adds an item: a heading, and a text in colour, below it where there is no room beside it.
    pub(crate) fn item(&mut self, heading: &str, text: &str, tone: Tone) {
        let long = format!("{INDENT}{heading}  {text}");
        if self.width.is_none_or(|width| long.chars().count() <= width) {
            self.lines.push(format!("{INDENT}{heading}  {}", self.output.paint(tone, text)));
            return;
        }
        self.add(INDENT, heading, None);
        self.add(&INDENT.repeat(2), text, Some(tone));
    }

    /// Adds a line that a bot has printed.
    pub(crate) fn quote(&mut self, line: &str) {
        self.add(QUOTE, line, None);
    }

    fn add(&mut self, indent: &str, text: &str, tone: Option<Tone>) {
        let room = self.width.map(|width| width.saturating_sub(indent.len()).max(1));
        for part in wrapped(text, room) {
            let part = part.trim_end();
            let painted = tone.map_or_else(|| part.to_owned(), |tone| self.output.paint(tone, part));
            self.lines.push(format!("{indent}{painted}"));
        }
    }
}

/// Wraps a text at spaces; a word that is longer than a line is cut. A character counts as one column.
fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let (mut lines, mut line, mut length) = (Vec::new(), String::new(), 0);
    for word in text.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + letters.len() > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        } else if length > 0 || !line.is_empty() {
            line.push(' ');
            length += 1;
        }
        for letter in letters {
            if length == width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            line.push(letter);
            length += 1;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_long_words_are_cut() {
        assert_eq!(wrapped("one two three", Some(7)), ["one two", "three"]);
        assert_eq!(wrapped("one twothreefour", Some(5)), ["one", "twoth", "reefo", "ur"]);
        assert_eq!(wrapped("one two three", None), ["one two three"]);
        assert_eq!(wrapped("", Some(5)), [""]);
    }

    #[test]
    fn row_of_a_narrow_terminal_stands_below_its_name() {
        let lines = |width| {
            let mut paragraph = Paragraph::new(Output::plain(), width);
            paragraph.row("command", "/bin/web --port 80");
            paragraph.row("group", "");
            paragraph.row("oom_score_adjust", "500");
            paragraph.into_lines()
        };
        assert_eq!(lines(None), ["  command           /bin/web --port 80", "  oom_score_adjust  500"]);
        assert_eq!(
            lines(Some(20)),
            ["  command", "      /bin/web", "      --port 80", "  oom_score_adjust", "      500"]
        );
    }

    proptest! {
        /// No line is wider than the terminal, and no letter is lost.
        #[test]
        fn wrapped_lines_fit(text in "[a-zä ]{0,120}", width in 1..60_usize) {
            let lines = wrapped(&text, Some(width));
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
