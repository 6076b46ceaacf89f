//! The expansion of `#[daemon::init]`: a `main` that calls `daemon::init()` before the user's, which may start a runtime.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Signature;

use crate::args::Arg;
use crate::attributes;
use crate::errors::Errors;
use crate::function::RawFunction;
use crate::kind::Kind;
use crate::model;
use crate::tokens::quote_mixed;

/// Checks the function, and prints the `main` around it.
pub(crate) fn expand(args: &[Arg], item: &RawFunction, errors: &mut Errors) -> TokenStream {
    let crate_arg = args.iter().find(|arg| arg.key.name == "crate" && !arg.is_unset());
    let (krate, _) = model::crate_path(crate_arg, errors);
    let RawFunction { attributes, visibility, signature, body } = item;
    if signature.ident != "main" {
        let message =
            "`#[daemon::init]` belongs on `fn main`: in a library, tell the program to call `daemon::init()` there";
        errors.push_spanned(&signature.ident, message);
        return quote_mixed!(#(#attributes)* #visibility #signature #body);
    }
    let before = errors.count();
    check(signature, errors);
    let sorted = attributes::sort(Kind::Init, attributes, errors);
    let has_runtime = attributes.iter().any(|attribute| attributes::is_runtime(attribute.path()));
    if let (Some(word), false) = (&signature.asyncness, has_runtime) {
        let message = "an `async fn main` needs a runtime: write `#[tokio::main]` below `#[daemon::init]`";
        errors.push_spanned(word, message);
    }
    let attributes::Attributes { outer, cfg, inner, .. } = sorted;
    if errors.count() > before {
        // Without `async`, so that the compiler does not report it again.
        let ident = &signature.ident;
        return quote_mixed!(#cfg #outer #visibility fn #ident() { ::core::unimplemented!() });
    }
    let output = &signature.output;
    quote_mixed! {
        #cfg #outer
        #visibility fn main() #output {
            #inner #signature #body
            #krate::exec::init();
            main()
        }
    }
}

/// Reports a signature that is not that of a plain `main`.
fn check(signature: &Signature, errors: &mut Errors) {
    if !signature.inputs.is_empty() {
        errors.push_spanned(&signature.inputs, "`main` takes no arguments: read them with `std::env::args`");
    }
    let Signature { constness, safety, abi, generics, .. } = signature;
    let words =
        [constness.to_token_stream(), safety.to_token_stream(), abi.to_token_stream(), generics.to_token_stream()];
    for words in words.into_iter().filter(|words| !words.is_empty()) {
        let message = format!(
            "`#[daemon::init]` belongs on a plain `fn main()`: remove `{}`",
            words.to_string().replace(' ', "")
        );
        errors.push_spanned(words, message);
    }
}
