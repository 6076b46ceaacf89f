//! The cache itself, and the key of a command.

use std::collections::{HashMap, VecDeque};
use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The most bytes that the cache holds; the oldest entries make room.
const CAPACITY: usize = 256 << 20;

/// The longest key or value that the daemon reads from a client, in bytes.
pub(crate) const LIMIT: u64 = 64 << 20;

/// The output of commands, by their keys.
#[derive(Default)]
pub(crate) struct Cache {
    entries: HashMap<Vec<u8>, Vec<u8>>,
    order: VecDeque<Vec<u8>>,
    size: usize,
}

impl Cache {
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(Vec::as_slice)
    }

    pub(crate) fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.size += key.len() + value.len();
        match self.entries.insert(key.clone(), value) {
            Some(old) => self.size -= key.len() + old.len(),
            None => self.order.push_back(key),
        }
        while self.size > CAPACITY {
            let Some(oldest) = self.order.pop_front() else { break };
            let value = self.entries.remove(&oldest).unwrap_or_default();
            self.size -= oldest.len() + value.len();
        }
    }
}

/// Returns the key of a command: its words, the working directory, and the times and sizes of the files that it names.
pub(crate) fn key(command: &[String]) -> io::Result<Vec<u8>> {
    let names = format!("{} {command:?}", env::current_dir()?.display());
    let files = command.iter().filter_map(|word| fs::metadata(word).ok());
    let files: Vec<_> = files.map(|file| (file.ino(), file.size(), file.mtime(), file.mtime_nsec())).collect();
    Ok(format!("{names} {files:?}").into_bytes())
}
