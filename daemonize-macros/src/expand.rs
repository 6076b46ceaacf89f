//! One attribute from its tokens to its expansion: parsed, checked, printed.
//!
//! The printed tokens are data and calls: `model` has decided what can be decided, the library does the work.

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::kind::Kind;
use crate::model::{self, Model};
use crate::tokens::quote_mixed;
use crate::{args, companion, exec, function, init, instance, launcher};

/// Returns the expansion and the errors as `compile_error!`.
pub(crate) fn attribute(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut tokens = expansion(kind, args, item, &mut errors);
    tokens.extend(errors.into_inner().iter().map(syn::Error::to_compile_error));
    tokens
}

/// Returns the expansion, or the unchanged item if it is a method or not a function. After errors there is an item too, so that
/// editors and the rest of the program keep working.
pub(crate) fn expansion(kind: Kind, args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let args = args::parse(kind, args, errors);
    let Some(function) = errors.ok_or_push(function::parse(kind, item.clone())) else { return item };
    if kind == Kind::Init {
        return init::expand(&args, &function, errors);
    }
    match model::check(kind, args, function, errors) {
        Some(model) => print(&model),
        None => item,
    }
}

/// Prints the function that callers see, and its companion.
fn print(model: &Model) -> TokenStream {
    let function = match model.kind {
        Kind::Instance => return instance::expand(model),
        // The handler keeps its name: only the companion launches the daemon.
        Kind::Message if model.keeps_function() => model.function.plain.clone(),
        Kind::Init => unreachable!("it has no model"),
        _ if model.is_main() => launcher::expand_main(model),
        _ => launcher::expand(model),
    };
    let companion = companion::expand(model);
    let entry = exec::applies(model).then(|| exec::entry(model));
    quote_mixed!(#function #companion #entry)
}
