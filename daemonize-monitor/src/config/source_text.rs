//! The text of one file, with the errors found in it.

use super::diagnostic::{Diagnostic, Location};
use super::variables::ConfigVariables;
use std::cell::RefCell;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The mistakes found so far, in all files.
pub(super) type Mistakes = Rc<RefCell<Vec<Diagnostic>>>;

/// The text of one file, with its variables and its mistakes.
pub(super) struct SourceText<'a> {
    file: PathBuf,
    text: &'a str,
    /// The offset of each line.
    lines: Vec<usize>,
    pub(super) variables: Rc<ConfigVariables<'a>>,
    mistakes: Mistakes,
}

impl<'a> SourceText<'a> {
    pub(super) fn new(
        file: &Path,
        text: &'a str,
        variables: &Rc<ConfigVariables<'a>>,
        mistakes: &Mistakes,
    ) -> SourceText<'a> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        let (variables, mistakes) = (Rc::clone(variables), Rc::clone(mistakes));
        SourceText { file: file.to_owned(), text, lines, variables, mistakes }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the directory to which relative paths in this file refer.
    pub(super) fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// Returns where the bots of this file run unless they say otherwise: its directory, in which its relative paths begin;
    /// `None`, which is `/`, for a file of the machine, below `/etc` or `/usr`.
    pub(super) fn working_directory(&self) -> Option<PathBuf> {
        let directory = self.directory();
        let is_the_machines = ["/etc", "/usr"].iter().any(|machines| directory.starts_with(machines));
        (directory.is_absolute() && !is_the_machines).then(|| directory.to_owned())
    }

    /// Returns line and column of a byte offset; the column counts characters.
    pub(super) fn place(&self, offset: usize) -> Location {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines[line - 1];
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or_default();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Location { file: self.file.clone(), line: number(line), column: number(before.chars().count() + 1) }
    }

    /// Returns all mistakes found so far.
    pub(super) fn mistakes(&self) -> &Mistakes {
        &self.mistakes
    }

    /// Records a mistake.
    pub(super) fn mistake(&self, place: Location, text: impl Display) {
        self.mistakes.borrow_mut().push(Diagnostic { place, text: text.to_string() });
    }
}
