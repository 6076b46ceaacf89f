//! The function that callers see: it launches the daemon.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use crate::body;
use crate::function::Function;
use crate::model::{Cli, Model};
use crate::program::{self, arguments_type};
use crate::tokens::{hygienic, located, quote_mixed};

/// Prints the function with the user's name, which calls the companion's `start`.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { krate, companion, function, .. } = model;
    let Function { generics, bounds, parameters, visibility, .. } = function;
    let attributes = function.outer_attributes();
    let (ident, companion) = (hygienic(&function.signature.ident), hygienic(companion));
    let names: Vec<&Ident> = parameters.iter().map(|parameter| &parameter.name).collect();
    let types = parameters.iter().map(|parameter| &parameter.outer_ty);
    let body = if function.rejected {
        quote_mixed!(::core::unimplemented!())
    } else {
        // If a `mod` has the companion's name, the compiler reports this constant as missing from it: its name is the fix.
        quote_mixed!(let () = #companion::__SET_COMPANION_TO_ANOTHER_NAME; #companion::start(#(#names),*))
    };
    quote_mixed! {
        #attributes
        #visibility fn #ident #generics (#(#names: #types),*) -> #krate::Result<#krate::Started> #bounds { #body }
    }
}

/// Prints an annotated `main`: the program is the launcher, and its exit status says how the launch ended.
pub(crate) fn expand_main(model: &Model) -> TokenStream {
    let Model { krate, companion, function, .. } = model;
    let (attributes, visibility) = (function.outer_attributes(), &function.visibility);
    let ident = hygienic(&function.signature.ident);
    let body = match &model.cli {
        Some(_) if function.rejected => quote_mixed!(::core::unimplemented!()),
        Some(cli) => with_command_line(model, cli),
        None => {
            let daemon = body::daemon_with_body(model, &hygienic(companion));
            let span = daemon.span();
            let krate = located(krate, span);
            quote_spanned!(span=> #krate::__private::main(#daemon))
        }
    };
    // A fresh execution of the program that is to launch a daemon of it never comes further.
    let init = cfg!(feature = "exec").then(|| quote_mixed!(#krate::exec::init();));
    quote_mixed! {
        #attributes
        #visibility fn #ident() -> ::std::process::ExitCode { #init #body }
    }
}

/// Prints the call that parses the command line and performs its verb.
fn with_command_line(model: &Model, cli: &Cli) -> TokenStream {
    let (krate, companion) = (&model.krate, hygienic(&model.companion));
    let program = program::expand(model);
    let body = body::function_of_arguments(model, &companion);
    let arguments = arguments_type(krate, cli);
    // The location of the body, so that the compiler reports an unsuitable return type once.
    let span = body.span();
    let krate = located(krate, span);
    quote_spanned!(span=> #krate::cli::__private::main::<#arguments, _>(#program, #companion::__settings, #body))
}
