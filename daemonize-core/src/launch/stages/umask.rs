//! Stage `Umask`: sets the file mode creation mask (`umask(2)`).

use crate::settings::Settings;
use nix::sys::stat::{Mode, umask};

/// The default mask of a detached daemon: other users have no access to the files that it creates.
const DEFAULT_UMASK: u32 = 0o077;

pub(super) fn run(settings: &Settings, detached: bool) {
    let mask = match settings.umask {
        Some(mask) => mask,
        None if detached => DEFAULT_UMASK,
        // In the foreground, the mask of the caller stays.
        None => return,
    };
    umask(Mode::from_bits_truncate(mask));
}
