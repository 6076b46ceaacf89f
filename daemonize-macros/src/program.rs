//! The program of a daemon, as an expression: the name, the version, the description and the service definition.

use proc_macro2::TokenStream;

use crate::model::{Cli, Model};
use crate::tokens::quote_mixed;

/// Prints the `Program`.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { krate, name, service, about, .. } = model;
    let default_verb = model.cli.as_ref().map(|cli| &cli.default_verb);
    // Cargo sets the variable to nothing if the package has no description.
    let description =
        || quote_mixed!(::core::option_env!("CARGO_PKG_DESCRIPTION").filter(|description| !description.is_empty()));
    let about = about.as_ref().map_or_else(description, |about| quote_mixed!(#about));
    quote_mixed! {
        #krate::cli::Program::new(#name)
            .version(::core::option_env!("CARGO_PKG_VERSION"))
            .about(#about)
            #default_verb
            #service
    }
}

/// Returns the type of the parsed arguments.
pub(crate) fn arguments_type(krate: &TokenStream, cli: &Cli) -> TokenStream {
    let parsed = cli.arguments.as_ref().map(|arguments| arguments.ty.clone());
    parsed.unwrap_or_else(|| quote_mixed!(#krate::cli::NoArguments))
}
