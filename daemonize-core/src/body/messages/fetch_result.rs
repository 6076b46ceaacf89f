//! The return types of a function that fetches messages.

use super::delivery::{Delivery, Tracked};
use crate::body::BodyResult;
use crate::body::into_exit::{Fallible, FallibleAcrossThreads, Plain};
use std::error::Error;

/// A message with its receipt, `None` if the source has none now, or the error of the function.
pub(crate) type FetchResult<T, A> = Result<Option<(T, Tracked<A>)>, BodyResult>;

/// A return type of a function that fetches messages: `Option<T>`, or `Result<Option<T>, E>` with an error as in
/// [`IntoExit`](crate::body::IntoExit); `T` is the message, or a [`Delivery`] of it.
///
/// `None` means that the source has no message now; the daemon asks again after the idle time. `Kind` distinguishes the
/// implementations and is always inferred. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "messages cannot be fetched by a function that returns `{Self}`",
    label = "not an `Option` of a message that is `Send`",
    note = "it may return `Option<T>`, `Option<Delivery<T, A>>`, or a `Result` of these with an error that converts into `Box<dyn Error>`; `T` must be `Send`, since it is handled in another thread"
)]
pub trait Fetched<Kind>: sealed::SealedFetch<Kind> {
    /// The type that the handler receives.
    type Message: Send + 'static;
    /// The type of the receipt; `()` without a [`Delivery`].
    type Receipt: Send + 'static;
    /// Returns the message with its receipt.
    #[doc(hidden)]
    fn into_result(self) -> FetchResult<Self::Message, Self::Receipt>;
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "messages cannot be fetched by a function that returns `{Self}`",
        label = "not an `Option` of a message that is `Send`",
        note = "it may return `Option<T>`, `Option<Delivery<T, A>>`, or a `Result` of these with an error that converts into `Box<dyn Error>`; `T` must be `Send`, since it is handled in another thread"
    )]
    pub trait SealedFetch<Kind> {}
}

/// Distinguishes the implementations of [`Fetched`].
#[derive(Debug)]
pub struct Delivered;

// A delivery matches `Option<T>`, too, but is not `Send`: so exactly one implementation applies to each type, and the compiler
// infers `Kind`.
#[diagnostic::do_not_recommend]
impl<T: Send + 'static> sealed::SealedFetch<Plain> for Option<T> {}
#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Fetched<Plain> for Option<T> {
    type Message = T;
    type Receipt = ();

    #[inline]
    fn into_result(self) -> FetchResult<T, ()> {
        Ok(self.map(|message| (message, Tracked::first(()))))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static, A: Send + 'static> sealed::SealedFetch<Delivered> for Option<Delivery<T, A>> {}
#[diagnostic::do_not_recommend]
impl<T: Send + 'static, A: Send + 'static> Fetched<Delivered> for Option<Delivery<T, A>> {
    type Message = T;
    type Receipt = A;

    fn into_result(self) -> FetchResult<T, A> {
        Ok(self.map(Delivery::into_parts))
    }
}

#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K, E: Into<Box<dyn Error>>> sealed::SealedFetch<Fallible<K>> for Result<R, E> {}
#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K, E: Into<Box<dyn Error>>> Fetched<Fallible<K>> for Result<R, E> {
    type Message = R::Message;
    type Receipt = R::Receipt;

    #[inline]
    fn into_result(self) -> FetchResult<R::Message, R::Receipt> {
        self.map_or_else(|error| Err(BodyResult::of_error(error.into().as_ref())), Fetched::into_result)
    }
}

#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K> sealed::SealedFetch<FallibleAcrossThreads<K>> for Result<R, Box<dyn Error + Send + Sync>> {}
#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K> Fetched<FallibleAcrossThreads<K>> for Result<R, Box<dyn Error + Send + Sync>> {
    type Message = R::Message;
    type Receipt = R::Receipt;

    fn into_result(self) -> FetchResult<R::Message, R::Receipt> {
        self.map_or_else(|error| Err(BodyResult::of_error(error.as_ref())), Fetched::into_result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<K, R: Fetched<K>>(fetched: R) -> Result<Option<R::Message>, String> {
        let told = |ending: BodyResult| ending.error().unwrap_or_default().to_owned();
        fetched.into_result().map(|found| found.map(|(message, _)| message)).map_err(told)
    }

    #[test]
    fn every_way_to_return_a_message_is_understood() {
        assert_eq!(found(Some(3)), Ok(Some(3)));
        assert_eq!(found(None::<u8>), Ok(None));
        assert_eq!(found(Ok::<_, std::io::Error>(Some("x"))), Ok(Some("x")));
        assert_eq!(found(Some(Delivery::new(3, ()))), Ok(Some(3)));
        assert_eq!(found(Ok::<_, String>(Some(Delivery::requeue_on_failure(3, |_, _| ())))), Ok(Some(3)));
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        assert_eq!(found(Err::<Option<u8>, _>("no broker")), Err("no broker".into()));
        assert_eq!(found(Err::<Option<u8>, Box<dyn Error + Send + Sync>>("no road".into())), Err("no road".into()));
    }
}
