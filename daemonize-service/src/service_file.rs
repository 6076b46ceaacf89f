//! A file of a service, with its place.

use crate::definition::Definition;
use crate::marker;
use crate::quote::{shell, xml};
use std::path::{Path, PathBuf};

/// A file of a service definition: its absolute path, its content and its mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFile {
    path: PathBuf,
    content: String,
    mode: u32,
}

/// The mode of a file that is read.
const READ_MODE: u32 = 0o644;

/// The mode of a file that is run.
const RUN_MODE: u32 = 0o755;

impl ServiceFile {
    /// Returns a file of settings that begins with the header, as comments.
    pub(crate) fn settings(path: PathBuf, definition: &Definition, content: &str) -> ServiceFile {
        let [first, second] = header(definition, content);
        ServiceFile { path, content: format!("# {first}\n# {second}\n{content}"), mode: READ_MODE }
    }

    /// Returns a script whose first line is `interpreter`, with the header below it.
    pub(crate) fn script(path: PathBuf, definition: &Definition, interpreter: &str, content: &str) -> ServiceFile {
        let interpreter = format!("#!{interpreter}\n");
        let [first, second] = header(definition, &format!("{interpreter}{content}"));
        ServiceFile { path, content: format!("{interpreter}# {first}\n# {second}\n{content}"), mode: RUN_MODE }
    }

    /// Returns an XML document, with the header below its declaration `prolog`.
    pub(crate) fn xml(path: PathBuf, definition: &Definition, prolog: &str, content: &str) -> ServiceFile {
        let [first, second] = header(definition, &format!("{prolog}{content}")).map(|line| xml::comment(&line));
        ServiceFile {
            path,
            content: format!("{prolog}<!-- {first} -->\n<!-- {second} -->\n{content}"),
            mode: READ_MODE,
        }
    }

    /// Returns a file that holds a bare value, where no comment can be.
    pub(crate) fn bare(path: PathBuf, content: String) -> ServiceFile {
        ServiceFile { path, content, mode: READ_MODE }
    }

    /// Returns the absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the content.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Returns the mode, 0644 or 0755.
    pub fn mode(&self) -> u32 {
        self.mode
    }
}

fn header(definition: &Definition, content: &str) -> [String; 2] {
    marker::lines(&definition.name, &shell::words(&definition.install_command), &definition.version, content)
}
