//! What a function that fetches messages may return.

use super::delivery::{Delivery, Tracked};
use crate::body::BodyResult;
use crate::body::outcome::{Fallible, FallibleAcrossThreads, Plain};
use std::error::Error;

/// A message, what is to be told about it, or that there is none.
pub(crate) type Found<T, A> = Result<Option<(T, Tracked<A>)>, BodyResult>;

/// What a function that fetches messages may return: `Option<T>`, or `Result<Option<T>, E>` with an error as in
/// [`IntoExit`](crate::body::IntoExit); `T` is the message, or a [`Delivery`] of it.
///
/// `None` says that there is none now, and that it is worth asking again after a while. `Kind` only tells the
/// implementations apart and is always inferred. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "messages cannot be fetched by a function that returns `{Self}`",
    label = "returns no `Option` of a message that could be given to a worker",
    note = "it may return `Option<T>`, `Option<Delivery<T, A>>`, or a `Result` of these with an error that converts into `Box<dyn Error>`; `T` must be `Send`, since it is handled in another thread"
)]
pub trait Fetched<Kind>: sealed::Sealed<Kind> {
    /// What the handler gets.
    type Message: Send + 'static;
    /// What is told when it was handled; `()` without a [`Delivery`].
    type Receipt: Send + 'static;
    /// Both, if there was a message.
    #[doc(hidden)]
    fn found(self) -> Found<Self::Message, Self::Receipt>;
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "messages cannot be fetched by a function that returns `{Self}`",
        label = "returns no `Option` of a message that could be given to a worker",
        note = "it may return `Option<T>`, `Option<Delivery<T, A>>`, or a `Result` of these with an error that converts into `Box<dyn Error>`; `T` must be `Send`, since it is handled in another thread"
    )]
    pub trait Sealed<Kind> {}
}

/// Tells [`Fetched`]'s implementations apart.
#[derive(Debug)]
pub struct Delivered;

// A delivery is an `Option<T>` too; but it is not `Send`, so that for each type there is one implementation alone, and the
// compiler finds it.
#[diagnostic::do_not_recommend]
impl<T: Send + 'static> sealed::Sealed<Plain> for Option<T> {}
#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Fetched<Plain> for Option<T> {
    type Message = T;
    type Receipt = ();

    #[inline]
    fn found(self) -> Found<T, ()> {
        Ok(self.map(|message| (message, Tracked::first(()))))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static, A: Send + 'static> sealed::Sealed<Delivered> for Option<Delivery<T, A>> {}
#[diagnostic::do_not_recommend]
impl<T: Send + 'static, A: Send + 'static> Fetched<Delivered> for Option<Delivery<T, A>> {
    type Message = T;
    type Receipt = A;

    fn found(self) -> Found<T, A> {
        Ok(self.map(Delivery::open))
    }
}

#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K, E: Into<Box<dyn Error>>> sealed::Sealed<Fallible<K>> for Result<R, E> {}
#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K, E: Into<Box<dyn Error>>> Fetched<Fallible<K>> for Result<R, E> {
    type Message = R::Message;
    type Receipt = R::Receipt;

    #[inline]
    fn found(self) -> Found<R::Message, R::Receipt> {
        self.map_or_else(|error| Err(BodyResult::of_error(error.into().as_ref())), Fetched::found)
    }
}

#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K> sealed::Sealed<FallibleAcrossThreads<K>> for Result<R, Box<dyn Error + Send + Sync>> {}
#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K> Fetched<FallibleAcrossThreads<K>> for Result<R, Box<dyn Error + Send + Sync>> {
    type Message = R::Message;
    type Receipt = R::Receipt;

    fn found(self) -> Found<R::Message, R::Receipt> {
        self.map_or_else(|error| Err(BodyResult::of_error(error.as_ref())), Fetched::found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<K, R: Fetched<K>>(fetched: R) -> Result<Option<R::Message>, String> {
        let told = |ending: BodyResult| ending.error().unwrap_or_default().to_owned();
        fetched.found().map(|found| found.map(|(message, _)| message)).map_err(told)
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
