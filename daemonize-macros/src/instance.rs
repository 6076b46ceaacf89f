//! The expansion of `#[daemon::instance]`: a `main` that runs only in the first launch of a program.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;

use crate::model::Model;
use crate::tokens::quote_mixed;

/// Prints the `main` around the user's.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { krate, name, calls, last_calls, function, .. } = model;
    let (plain, visibility) = (&function.plain, &function.visibility);
    let attributes = function.outer_attributes();
    if function.rejected {
        // A `main` without a body of the user, so that a missing `main` is not a second error.
        return quote_mixed!(#attributes #visibility fn main() { ::core::unimplemented!() });
    }
    let call = match function.signature.inputs.first() {
        None => quote_mixed!(|_running| main()),
        // The location of the parameter, so that the compiler reports a wrong type there.
        Some(parameter) => Ident::new("main", parameter.span().resolved_at(Span::mixed_site())).into_token_stream(),
    };
    let init = cfg!(feature = "exec").then(|| quote_mixed!(#krate::exec::init();));
    quote_mixed! {
        #attributes
        #visibility fn main() -> ::std::process::ExitCode {
            // The library passes the `Running` by value.
            #[allow(clippy::needless_pass_by_value)]
            #plain
            #init
            #krate::control::__private::Opening::new(#krate::control::Instance::new(#name) #calls) #last_calls.main(#call)
        }
    }
}
