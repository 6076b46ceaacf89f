//! Builder methods for hooks of the stages, and for attachments.

use crate::api::ThisDaemon;
use crate::attach::Attachment;
use crate::context::enable_reload_reports;
use crate::daemon::Daemon;
use crate::launch::{enable_launching, enable_preparation};
use crate::settings::{Hook, Hooks};
use crate::stage::Stage;
use std::sync::Arc;

impl<W> Daemon<W> {
    /// Adds hooks to the stages of the start.
    #[must_use]
    pub fn hooks(mut self, hooks: impl Into<Option<Hooks>>) -> Self {
        self.settings.hooks.merge(hooks.into().unwrap_or_default());
        self
    }

    /// Runs `hook` before a stage: see [`Hooks::before`].
    #[must_use]
    pub fn before<K>(self, stage: Stage, hook: impl Hook<K>) -> Self {
        self.hooks(Hooks::new().before(stage, hook))
    }

    /// Runs `hook` after a stage: see [`Hooks::after`].
    #[must_use]
    pub fn after<K>(self, stage: Stage, hook: impl Hook<K>) -> Self {
        self.hooks(Hooks::new().after(stage, hook))
    }

    /// Runs `hook` instead of a stage: see [`Hooks::replace`].
    #[must_use]
    pub fn replace<K>(self, stage: Stage, hook: impl Hook<K>) -> Self {
        self.hooks(Hooks::new().replace(stage, hook))
    }

    /// Adds a service that runs beside the body, such as an endpoint: see [`Attachment`].
    #[must_use]
    pub fn attach(mut self, attachment: impl Attachment) -> Self {
        enable_reload_reports();
        enable_launching();
        enable_preparation();
        self.settings.attachments.push(Arc::new(attachment));
        self.settings.process_control = Arc::new(ThisDaemon);
        self
    }
}
