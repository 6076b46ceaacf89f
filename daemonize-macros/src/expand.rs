//! The tokens. Data and calls only: everything that can be decided is decided in the model before,
//! everything that is done is done in the library behind.
//!
//! What is printed here bears `Span::mixed_site`, so that no name of ours meets one of the user's
//! and no lint speaks of code nobody wrote. The user's tokens keep their spans.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::actions::Action;
use crate::companion;
use crate::function::Function;
use crate::hooks::HookRule;
use crate::keys::Kind;
use crate::model::{Argument, Model, Setting};
use crate::parameters::{Parameter, Passing, hygienic};
use crate::signals::{Signal, SignalRule};
use crate::values::Checked;

/// `quote!` with the spans of this crate's tokens.
macro_rules! print {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use print;

/// The function that launches, and its companion.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let launcher = match model.kind {
        // The function stays what it is.
        Kind::Message => model.function.plain.clone(),
        _ if model.function.ident == "main" => main(model),
        _ => launcher(model),
    };
    let companion = companion::expand(model);
    print!(#launcher #companion)
}

/// The function under the user's name: calling it launches the daemon.
fn launcher(model: &Model) -> TokenStream {
    let Model { root, companion, function, .. } = model;
    let Function { lending_generics, bounds, parameters, visibility, .. } = function;
    let attributes = outer_attributes(function);
    let ident = hygienic(&function.ident);
    let companion = hygienic(companion);
    let names = parameters.iter().map(|parameter| &parameter.name);
    let declared = declare(parameters);
    let body = function.stand_in().unwrap_or_else(|| print!(#companion::start(#(#names),*)));
    print! {
        #attributes
        #visibility fn #ident #lending_generics (#declared) -> #root::Result<#root::Started> #bounds { #body }
    }
}

/// An annotated `main`: the program is the launcher, and its exit status the outcome.
fn main(model: &Model) -> TokenStream {
    let Model { root, companion, function, .. } = model;
    let attributes = outer_attributes(function);
    let visibility = &function.visibility;
    let ident = hygienic(&function.ident);
    let body = function.stand_in().unwrap_or_else(|| {
        let daemon = with_work(model, &hygienic(companion));
        let place = daemon.span();
        let root = located(root, place);
        quote_spanned!(place=> #root::__private::main(#daemon))
    });
    print! {
        #attributes
        #visibility fn #ident() -> ::std::process::ExitCode { #body }
    }
}

/// The path as if it were written in that place; it means what it meant.
fn located(path: &TokenStream, place: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(place));
        token
    };
    path.clone().into_iter().map(locate).collect()
}

fn outer_attributes(function: &Function) -> TokenStream {
    let attributes = &function.attributes;
    let (gates, allowed, outer) = (&attributes.gates, &attributes.allowed, &attributes.outer);
    quote!(#(#gates)* #(#allowed)* #(#outer)*)
}

/// The parameters as callers see them: what is lent to each step may be owned or borrowed.
fn declare(parameters: &[Parameter]) -> TokenStream {
    let declared = parameters.iter().map(|Parameter { name, ty, passing }| match passing {
        Passing::Lend(target) => print!(#name: impl ::core::borrow::Borrow<#target>),
        Passing::LendMut(target) => print!(#name: impl ::core::borrow::BorrowMut<#target>),
        _ => print!(#name: #ty),
    });
    print!(#(#declared),*)
}

/// The same, for the functions that lend them.
pub(crate) fn declare_mutable(parameters: &[Parameter]) -> TokenStream {
    let declared = parameters.iter().map(|parameter| {
        let lent = matches!(parameter.passing, Passing::LendMut(_));
        let mutable = lent.then(|| print!(mut));
        let parameter = declare(std::slice::from_ref(parameter));
        print!(#mutable #parameter)
    });
    print!(#(#declared),*)
}

/// The configured daemon with the user's function as its work. All of it has the place of the return
/// type: that is where an error about what the function returns shows, and it shows once.
pub(crate) fn with_work(model: &Model, owner: &Ident) -> TokenStream {
    let Model { kind, root, from, function, .. } = model;
    let place = function.output_span.resolved_at(Span::mixed_site());
    let mut owner = owner.clone();
    owner.set_span(place);
    let verb = match (kind, function.awaits) {
        (Kind::Run, false) => Ident::new("run", place),
        (Kind::Run, true) => Ident::new("run_async", place),
        (Kind::Step, false) => Ident::new("step", place),
        (Kind::Step, true) => Ident::new("step_async", place),
        (Kind::Message, awaits) => {
            // What is wrong with the messages shows where they come from, what is wrong with the handler at its type.
            let mut handler = function.ident.clone();
            handler.set_span(handler.span().located_at(place));
            let located = located(root, place);
            let (verb, kind) = if awaits { ("messages_async", "handler_async") } else { ("messages", "handler") };
            let kind = Ident::new(kind, place);
            let handler = quote_spanned!(place=> #located::__private::#kind(#handler));
            let source = from.span().resolved_at(Span::mixed_site());
            owner.set_span(source);
            let verb = Ident::new(verb, source);
            return quote_spanned!(source=> #owner::__daemon().#verb(#from, #handler));
        }
    };
    let arguments = function.parameters.iter().map(|parameter| pass(root, parameter));
    let captures = (!function.parameters.is_empty()).then(|| quote_spanned!(place=> move));
    let work = if function.awaits && *kind == Kind::Step {
        // What is lent to a step is lent for as long as it awaits.
        quote_spanned!(place=> async #captures || #owner::call(#(#arguments),*).await)
    } else if function.diverges && !function.awaits {
        // The type of a closure that never returns is not that of its body: it must be said.
        quote_spanned!(place=> #captures || -> () { #owner::call(#(#arguments),*) })
    } else {
        quote_spanned!(place=> #captures || #owner::call(#(#arguments),*))
    };
    quote_spanned!(place=> #owner::__daemon().#verb(#work))
}

/// The argument as the user's function gets it.
fn pass(root: &TokenStream, Parameter { name, ty, passing }: &Parameter) -> TokenStream {
    match passing {
        Passing::Move | Passing::Copy => print!(#name),
        Passing::Reborrow => print!(&mut *#name),
        Passing::Clone => print!(#root::__private::step_argument::<#ty>(&#name)),
        Passing::Lend(target) => print!(::core::borrow::Borrow::<#target>::borrow(&#name)),
        Passing::LendMut(target) => {
            print!(::core::borrow::BorrowMut::<#target>::borrow_mut(&mut #name))
        }
    }
}

/// The builder, with every setting.
pub(crate) fn configured(model: &Model) -> TokenStream {
    let Model { root, name, settings, .. } = model;
    let calls = settings.iter().map(|Setting { key, value }| {
        let key = hygienic(key);
        let value = argument(root, value);
        print!(.#key(#value))
    });
    print!(#root::Daemon::new(#name) #(#calls)*)
}

fn argument(root: &TokenStream, value: &Argument) -> TokenStream {
    match value {
        Argument::Nothing => TokenStream::new(),
        Argument::Plain(checked) => plain(root, checked),
        Argument::Signals(rules) => {
            let rules = rules.iter().map(|rule| signal_rule(root, rule));
            print!(#root::Signals::new() #(#rules)*)
        }
        Argument::Hooks(rules) => {
            let rules = rules.iter().map(|rule| hook_rule(root, rule));
            print!(#root::Hooks::new() #(#rules)*)
        }
        Argument::Retry(rules) => {
            let calls = rules.iter().map(|rule| {
                let (key, value) = (hygienic(&rule.key), plain(root, &rule.value));
                print!(.#key(#value))
            });
            print!(#root::Retry::new() #(#calls)*)
        }
        Argument::Endpoint(None) => print!(#root::control::Endpoint::new()),
        Argument::Endpoint(Some(value)) => {
            // What cannot be one shows where the user wrote it.
            let span = value.span().resolved_at(Span::mixed_site());
            let root = located(root, span);
            quote_spanned!(span=> <#root::control::Endpoint as ::core::convert::From<_>>::from(#value))
        }
    }
}

fn plain(root: &TokenStream, checked: &Checked) -> TokenStream {
    match checked {
        Checked::Verbatim(tokens) => tokens.clone(),
        Checked::Variant(group, variant, span) => {
            let group = Ident::new(group, Span::mixed_site());
            let variant = Ident::new(variant, span.resolved_at(Span::mixed_site()));
            print!(#root::#group::#variant)
        }
        Checked::Duration(length, span) => duration(*length, *span),
    }
}

fn duration(length: Duration, span: Span) -> TokenStream {
    let (seconds, rest) = (length.as_secs(), length.subsec_millis());
    let (function, number) = match rest {
        0 => (print!(from_secs), seconds),
        _ => (print!(from_millis), seconds * 1_000 + u64::from(rest)),
    };
    let mut number = Literal::u64_unsuffixed(number);
    number.set_span(span.resolved_at(Span::mixed_site()));
    print!(::core::time::Duration::#function(#number))
}

fn signal_rule(root: &TokenStream, SignalRule { signal, action }: &SignalRule) -> TokenStream {
    let (signal, span) = match signal {
        Signal::Known(name, span) => {
            let name = Ident::new(name, *span);
            (print!(#root::Signal::#name), *span)
        }
        Signal::Given(tokens) => (tokens.clone(), tokens.span()),
    };
    // An error in the action says which signal it is for.
    let span = span.resolved_at(Span::mixed_site());
    match action {
        Action::Ignore => quote_spanned!(span=> .ignore(#signal)),
        Action::Default => quote_spanned!(span=> .default_action(#signal)),
        Action::Handle(functions) => quote_spanned!(span=> #(.handle(#signal, #functions))*),
    }
}

fn hook_rule(root: &TokenStream, rule: &HookRule) -> TokenStream {
    let HookRule { verb, stage, functions } = rule;
    let verb = hygienic(verb);
    print!(#(.#verb(#root::Stage::#stage, #functions))*)
}
