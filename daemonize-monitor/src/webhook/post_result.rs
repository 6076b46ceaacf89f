//! The outcome of a try to post a report.

/// The outcome of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostResult {
    Done,
    /// The server may accept it later; the cause without any text of the address.
    Failed(&'static str),
    /// The server answered with this status.
    Status(u16),
}

impl PostResult {
    /// Returns `true` if another try may succeed.
    pub(super) fn may_succeed_later(self) -> bool {
        match self {
            PostResult::Done => false,
            PostResult::Failed(_) => true,
            PostResult::Status(status) => status >= 500 || status == 408 || status == 429,
        }
    }
}
