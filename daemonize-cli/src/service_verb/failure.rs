//! The failure of a verb below `service`.

use crate::exit_status::{Failed, FailureClass};
use daemonize_service::{ServiceError, ServiceErrorKind};

/// Returns the failure of a verb for an error of a service.
pub(super) fn failed(error: &ServiceError) -> Failed {
    let class = match error.kind() {
        ServiceErrorKind::Input => FailureClass::Usage,
        ServiceErrorKind::Permission => FailureClass::Rights,
        ServiceErrorKind::Manager => FailureClass::Unsupported,
        _ => FailureClass::Generic,
    };
    Failed::new(class, error)
}
