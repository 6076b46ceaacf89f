//! The return types of bodies, steps and handlers, and their conversion into an exit status.

use super::BodyResult;
use std::convert::Infallible;
use std::error::Error;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// A return type of a body or a handler: `()`, `!`, [`ExitCode`], or a `Result` of these whose error is a
/// [`std::error::Error`] or a box of one (`anyhow::Error` and `String` convert into one and are accepted, too).
///
/// `Kind` distinguishes the implementations and is always inferred. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "a daemon's function cannot return `{Self}`",
    label = "not a return type of a body or a handler",
    note = "it may return `()`, `!`, `ExitCode`, or `Result<(), E>` with an error that converts into `Box<dyn Error>`"
)]
pub trait IntoExit<Kind>: sealed::Sealed<Kind> {
    /// Converts the value into an exit status, and the error if there is one.
    fn into_exit(self) -> BodyResult;
}

/// A return type of a step: as [`IntoExit`], where success continues with the next step, or `ControlFlow`, whose `Break` ends the
/// daemon.
#[diagnostic::on_unimplemented(
    message = "a step cannot return `{Self}`",
    label = "not a return type of a step",
    note = "it may return `()`, `!`, `Result<(), E>` or `ControlFlow<()>`"
)]
pub trait IntoControlFlow<Kind>: sealed::SealedStep<Kind> {
    /// Converts the value: `Continue` for the next step, or `Break` with the result of the daemon.
    fn into_control_flow(self) -> ControlFlow<BodyResult>;
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "a daemon's function cannot return `{Self}`",
        label = "not a return type of a body or a handler",
        note = "it may return `()`, `!`, `ExitCode`, or `Result<(), E>` with an error that converts into `Box<dyn Error>`"
    )]
    pub trait Sealed<Kind> {}
    #[diagnostic::on_unimplemented(
        message = "a step cannot return `{Self}`",
        label = "not a return type of a step",
        note = "it may return `()`, `!`, `Result<(), E>` or `ControlFlow<()>`"
    )]
    pub trait SealedStep<Kind> {}
}

/// Distinguishes the implementations of [`IntoExit`].
#[derive(Debug)]
pub struct Plain;
/// Distinguishes the implementations of [`IntoExit`].
#[derive(Debug)]
pub struct Fallible<Kind>(Kind);
/// Distinguishes the implementations of [`IntoExit`].
#[derive(Debug)]
pub struct FallibleAcrossThreads<Kind>(Kind);

/// The never type: the return type of a function that does not return. Stable Rust accepts `!` only as a return type.
pub type Never = <fn() -> ! as Returns>::Output;

/// The return type of a function type.
pub trait Returns {
    /// The return type.
    type Output;
}

impl<R> Returns for fn() -> R {
    type Output = R;
}

macro_rules! outcome {
    ($([$($generics:tt)*] $type:ty, $kind:ty, $value:ident => $ending:expr;)*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<$($generics)*> sealed::Sealed<$kind> for $type {}
            #[diagnostic::do_not_recommend]
            impl<$($generics)*> IntoExit<$kind> for $type {
                #[allow(unreachable_code)] // For types without a value.
                fn into_exit(self) -> BodyResult {
                    (|$value: Self| $ending)(self)
                }
            }
        )*
    };
}

macro_rules! step_outcome {
    ($([$($generics:tt)*] $type:ty, $kind:ty, $value:ident => $flow:expr;)*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<$($generics)*> sealed::SealedStep<$kind> for $type {}
            #[diagnostic::do_not_recommend]
            impl<$($generics)*> IntoControlFlow<$kind> for $type {
                #[inline]
                #[allow(unreachable_code)] // For types without a value.
                fn into_control_flow(self) -> ControlFlow<BodyResult> {
                    (|$value: Self| $flow)(self)
                }
            }
        )*
    };
}

outcome! {
    [] (), Plain, _done => BodyResult::success();
    [] Never, Plain, never => never;
    [] Infallible, Plain, never => match never {};
    [] ExitCode, Plain, code => BodyResult::with_status(exit_status(code));
    [] BodyResult, Plain, ending => ending;
    [T: IntoExit<K>, K, E: Into<Box<dyn Error>>] Result<T, E>, Fallible<K>, result => match result {
        Ok(value) => value.into_exit(),
        Err(error) => BodyResult::of_error(error.into().as_ref()),
    };
    [T: IntoExit<K>, K] Result<T, Box<dyn Error + Send + Sync>>, FallibleAcrossThreads<K>, result => match result {
        Ok(value) => value.into_exit(),
        Err(error) => BodyResult::of_error(error.as_ref()),
    };
}

step_outcome! {
    [] (), Plain, _done => ControlFlow::Continue(());
    [] Never, Plain, never => never;
    [B: IntoExit<K>, K] ControlFlow<B>, Breaking<K>, flow => flow.map_break(IntoExit::into_exit);
    [T: IntoControlFlow<K>, K, E: Into<Box<dyn Error>>] Result<T, E>, Fallible<K>, result => match result {
        Ok(value) => value.into_control_flow(),
        Err(error) => ControlFlow::Break(BodyResult::of_error(error.into().as_ref())),
    };
    [T: IntoControlFlow<K>, K] Result<T, Box<dyn Error + Send + Sync>>, FallibleAcrossThreads<K>, result => match result {
        Ok(value) => value.into_control_flow(),
        Err(error) => ControlFlow::Break(BodyResult::of_error(error.as_ref())),
    };
}

/// Distinguishes the implementations of [`IntoControlFlow`].
#[derive(Debug)]
pub struct Breaking<Kind>(Kind);

/// Returns the number of an exit code. Stable Rust does not expose it, but compares two codes.
fn exit_status(code: ExitCode) -> u8 {
    (0..=u8::MAX).find(|number| ExitCode::from(*number) == code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending<K>(outcome: impl IntoExit<K>) -> (u8, Option<String>) {
        let ending = outcome.into_exit();
        (ending.exit_code(), ending.error().map(str::to_owned))
    }

    #[test]
    fn every_outcome_ends_as_it_says() {
        assert_eq!(ending(()), (0, None));
        assert_eq!(ending(ExitCode::from(7)), (7, Some("exit status 7".into())));
        assert_eq!(ending(Ok::<_, String>(ExitCode::SUCCESS)), (0, None));
        let failed = |text: &str| (4, Some(text.to_owned()));
        assert_eq!(ending(Err::<(), _>("no wings")), failed("no wings"));
        assert_eq!(ending(Err::<(), Box<dyn Error>>("boxed".into())), failed("boxed"));
        assert_eq!(ending(Err::<(), Box<dyn Error + Send + Sync>>("sent".into())), failed("sent"));
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl std::fmt::Display for Outer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("cannot open the shop")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let outer = Outer(std::io::Error::other("no key"));
        assert_eq!(ending(Err::<(), _>(outer)).1.unwrap(), "cannot open the shop: no key");
    }

    #[test]
    fn a_step_goes_on_or_breaks() {
        assert_eq!(().into_control_flow(), ControlFlow::Continue(()));
        assert_eq!(Ok::<(), String>(()).into_control_flow(), ControlFlow::Continue(()));
        assert_eq!(ControlFlow::<()>::Continue(()).into_control_flow(), ControlFlow::Continue(()));
        assert_eq!(ControlFlow::Break(()).into_control_flow(), ControlFlow::Break(BodyResult::success()));
        assert!(Err::<(), _>("no").into_control_flow().is_break());
    }
}
