//! The settings of a daemon, as the builder and the attributes collect them.

mod ends_with;
mod expand_path;
mod hooks;
mod log;
mod log_path;
mod modes;
mod on_output;
mod on_wait;
mod pidfile_path;
mod stdio;
mod store;
mod timeouts;
mod validate;
mod values;
mod view;

pub use crate::body::Runtime;
#[doc(inline)]
pub use crate::capability::{Capability, UnknownCapability};
pub use crate::stage::Stage;
pub use ends_with::EndsWith;
pub(crate) use expand_path::expand;
pub(crate) use hooks::When;
pub use hooks::{Hook, Hooks};
pub use log::Log;
pub use modes::{Close, Detach, Ready};
pub(crate) use on_output::OnOutput;
pub(crate) use on_wait::OnWait;
pub use on_wait::{StartWait, WaitReason};
pub use stdio::Stdio;
pub(crate) use store::Settings;
pub use values::{Account, List, Setting};
pub(crate) use values::{set, set_optional};
pub use view::SettingsView;
