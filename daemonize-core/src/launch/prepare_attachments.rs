//! Prepares the attachments, while the daemon still has the launcher's user and root, and sends what the launcher has to know of them.

use super::daemon::StartingDaemon;
use super::start_warnings;
use crate::attach::Prepared;
use crate::body::{BodyResult, guarded};
use crate::context;
use crate::error::{Error, Result};
use std::sync::OnceLock;

/// [`prepare`], once a daemon has an attachment: a program without one is linked without the code.
static PREPARE: OnceLock<fn(&mut StartingDaemon) -> Result<()>> = OnceLock::new();

/// Makes a start prepare the attachments.
pub(crate) fn enable_preparation() {
    let _ = PREPARE.set(prepare);
}

/// Prepares the attachments.
pub(super) fn prepare_attachments(daemon: &mut StartingDaemon) -> Result<()> {
    match PREPARE.get() {
        Some(prepare) if !daemon.launch.preflight.settings.attachments.is_empty() => prepare(daemon),
        _ => Ok(()),
    }
}

fn prepare(daemon: &mut StartingDaemon) -> Result<()> {
    let mut warnings = Vec::new();
    for attachment in &daemon.launch.preflight.settings.attachments.clone() {
        let mut prepared = Prepared::default();
        let ending = guarded("it", || match attachment.prepare(&daemon.launch.preflight.attach_context) {
            Ok(made) => {
                prepared = made;
                BodyResult::success()
            }
            Err(error) => BodyResult::failure(format!("{error}")),
        });
        if let Some(error) = ending.error() {
            return Err(Error::system("prepare an attachment of the daemon", error));
        }
        daemon.prepared_attachments += 1;
        daemon.addresses.extend(prepared.addresses);
        warnings.extend(prepared.warnings);
        daemon.launch.preflight.settings.inherit.extend(prepared.descriptors);
    }
    start_warnings::limit(&mut warnings);
    if !warnings.is_empty() {
        context::warn_about_start(&warnings);
    }
    let Some(link) = &daemon.link else { return Ok(()) };
    // L5.
    if !warnings.is_empty() {
        link.send_warnings(warnings)?;
    }
    link.send_addresses(&daemon.addresses, &daemon.launch.preflight.pidfile)
}
