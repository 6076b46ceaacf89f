//! How one knows that somebody who waits has gone.

use std::sync::{Arc, Weak};

/// Held by somebody who waits for something.
#[derive(Debug, Default)]
pub(crate) struct Presence(Arc<()>);

/// Tells whether he still does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Absence(Weak<()>);

impl Presence {
    pub(crate) fn watched(&self) -> Absence {
        Absence(Arc::downgrade(&self.0))
    }
}

impl Absence {
    pub(crate) fn has_left(&self) -> bool {
        self.0.strong_count() == 0
    }
}
