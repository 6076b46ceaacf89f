//! The order to install a service.

use crate::definition::Definition;
use crate::manager_kind::{Manager, Scope};
use crate::places::Places;

/// A service to be installed.
#[derive(Debug)]
pub struct InstallRequest<'a> {
    /// The service.
    pub definition: &'a Definition,
    /// The service manager.
    pub manager: Manager,
    /// The owner.
    pub scope: Scope,
    /// The machine or image.
    pub places: &'a Places,
    /// `true` if the service is started now, too.
    pub now: bool,
    /// `true` if the services of this user run without a session (`loginctl enable-linger`).
    pub linger: bool,
}
