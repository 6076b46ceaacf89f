//! A temporary working directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A new directory, which is removed when dropped.
#[derive(Debug)]
pub struct WorkDir(PathBuf);

impl WorkDir {
    /// Creates a directory below the temporary directory.
    ///
    /// # Panics
    /// Panics if the directory cannot be created.
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// Creates a directory in memory, where the system has a `/dev/shm`, and otherwise below the temporary directory.
    ///
    /// # Panics
    /// Panics if the directory cannot be created.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    fn below(parent: &Path) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let path = parent.join(format!("bench-{}-{now}", std::process::id()));
        fs::create_dir(&path).unwrap_or_else(|error| panic!("failed to create `{}`: {error}", path.display()));
        Self(path)
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns a path in the directory.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in the directory, and returns its path.
    ///
    /// # Panics
    /// Panics if the file cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("failed to write `{}`: {error}", path.display()));
        path
    }
}

impl Default for WorkDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
