//! The file descriptors that a service manager has passed, until the program takes them.

use crate::mutex::lock;
use std::os::fd::RawFd;
use std::sync::Mutex;

/// Descriptors with their names.
#[derive(Default)]
pub(crate) struct ListenFds(Mutex<Vec<(String, RawFd)>>);

impl ListenFds {
    pub(crate) fn new(passed: Vec<(String, RawFd)>) -> ListenFds {
        ListenFds(Mutex::new(passed))
    }

    /// Takes the descriptors for which `is_wanted` returns `true`: the caller owns them.
    pub(crate) fn take(&self, is_wanted: &mut dyn FnMut(&str, RawFd) -> bool) -> Vec<(String, RawFd)> {
        let mut passed = lock(&self.0);
        let (taken, others) = std::mem::take(&mut *passed).into_iter().partition(|(name, fd)| is_wanted(name, *fd));
        *passed = others;
        taken
    }
}
