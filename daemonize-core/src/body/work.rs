//! The trait of bodies.

use super::BodyResult;

/// A body: the work that runs in the process of the daemon.
///
/// [`Run`](super::Run) and [`Step`](super::Step) implement it, and your own types can. Check [`stopping`](crate::stopping)
/// regularly, and return when it is `true`.
///
/// ```
/// use daemon::body::{BodyResult, Work};
///
/// struct Countdown(u32);
///
/// impl Work for Countdown {
///     fn work(mut self) -> BodyResult {
///         while self.0 > 0 && daemon::sleep(std::time::Duration::from_secs(1)) {
///             self.0 -= 1;
///         }
///         BodyResult::success()
///     }
/// }
/// ```
pub trait Work {
    /// Does the work. When it returns, the daemon exits with this result.
    fn work(self) -> BodyResult;
}
