//! `#[daemon::instance]`: a `fn main` that runs once at a time. Thin: each key is a method of `Instance`, and what a second launch does
//! is in the library.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Path, Token};

use crate::errors::Errors;
use crate::expand::print;
use crate::item::Item;
use crate::parameters::hygienic;
use crate::suggest::hint;
use crate::values::is_unset;

/// The keys, in the order in which they are told.
const KEYS: [&str; 7] = ["name", "app_dir", "address", "without_token", "on_open", "configure", "crate"];

/// Those that are methods of `Instance`.
const METHODS: [&str; 3] = ["app_dir", "address", "without_token"];

/// What was said, each at most once.
#[derive(Default)]
struct Said(Vec<(Ident, Option<TokenStream>)>);

impl Said {
    fn find(&self, key: &str) -> Option<&(Ident, Option<TokenStream>)> {
        self.0.iter().find(|(word, _)| word.unraw() == key)
    }

    fn value(&self, key: &str) -> Option<&TokenStream> {
        self.find(key)?.1.as_ref()
    }
}

/// What is printed: the errors, and a `main` in any case.
pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut tokens = expansion(args, item, &mut errors);
    tokens.extend(errors.into_tokens());
    tokens
}

/// The expansion; the untouched item if it is no function.
pub(crate) fn expansion(args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let mut said = Said::default();
    let read = |input: ParseStream| parse(input, &mut said);
    errors.keep(read.parse2(args));
    let function = syn::parse2::<Item>(item.clone());
    let Some(function) = function.ok().filter(|function| !function.body.is_empty()) else {
        errors.on(&item, "`#[daemon::instance]` belongs on `fn main`");
        return item;
    };
    check(&function, errors);
    let refused = errors.count() > 0;
    expand(&said, function, refused)
}

fn parse(input: ParseStream, said: &mut Said) -> syn::Result<()> {
    while !input.is_empty() {
        let word = input.call(Ident::parse_any)?;
        let key = word.unraw().to_string();
        if !KEYS.contains(&key.as_str()) {
            return Err(syn::Error::new(word.span(), format!("unknown key `{key}`{}", hint(&key, &KEYS))));
        }
        if said.find(&key).is_some() {
            return Err(syn::Error::new(word.span(), format!("`{key}` is said twice")));
        }
        let value = match key.as_str() {
            "without_token" if input.is_empty() || input.peek(Token![,]) => None,
            "without_token" => return Err(input.error("`without_token` stands alone")),
            _ if input.is_empty() || input.peek(Token![,]) => {
                return Err(syn::Error::new(word.span(), format!("`{key}` needs a value")));
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                Some(input.call(Path::parse_mod_style)?.into_token_stream())
            }
            _ => {
                input.parse::<Token![=]>()?;
                let value = input.parse::<Expr>()?;
                // As in the other attributes: as if the key were not there.
                (!is_unset(&value)).then(|| value.into_token_stream())
            }
        };
        if value.is_some() || key == "without_token" {
            said.0.push((word, value));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// A `main` that is given the instance, or nothing.
fn check(function: &Item, errors: &mut Errors) {
    let signature = &function.signature;
    if signature.ident != "main" {
        errors.on(&signature.ident, "`#[daemon::instance]` belongs on `fn main`: a program is what there is one of");
    }
    if let Some(awaits) = &signature.asyncness {
        let message =
            "`#[daemon::instance]` wants a plain `fn main`: build the runtime in it, since only the first one needs it";
        errors.on(awaits, message);
    }
    for parameter in signature.inputs.iter().skip(1) {
        errors.on(parameter, "`fn main` has at most one parameter here: `running: Running`");
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        errors.on(receiver, "`#[daemon::instance]` belongs on `fn main`, not on a method");
    }
}

fn expand(said: &Said, function: Item, refused: bool) -> TokenStream {
    let Item { attributes, visibility, signature, body } = function;
    if refused {
        // Any `main`, so that nobody misses one.
        return print!(#(#attributes)* #visibility fn main() { ::core::unimplemented!() });
    }
    let root = said.value("crate").cloned().unwrap_or_else(|| print!(::daemon));
    let name = said.value("name").cloned().unwrap_or_else(|| print!(::core::env!("CARGO_PKG_NAME")));
    let methods = said.0.iter().filter(|(word, _)| METHODS.contains(&word.unraw().to_string().as_str()));
    let methods = methods.map(|(word, value)| {
        let word = hygienic(word);
        print!(.#word(#value))
    });
    let mut instance = print!(#root::control::Instance::new(#name) #(#methods)*);
    if let Some(configure) = said.value("configure") {
        instance = print!(#root::control::__private::configured(#instance, #configure));
    }
    let opening = if let Some(open) = said.value("on_open") {
        print!(#root::control::__private::Opening::with(#instance, #open))
    } else {
        print!(#root::control::__private::Opening::without(#instance))
    };
    let call = match signature.inputs.first() {
        None => print!(|_running| main()),
        // What is wrong with its type shows there.
        Some(parameter) => Ident::new("main", parameter.span().resolved_at(Span::mixed_site())).into_token_stream(),
    };
    print! {
        #(#attributes)*
        #visibility fn main() -> ::std::process::ExitCode {
            // By value is what the library hands over.
            #[allow(clippy::needless_pass_by_value)]
            #signature #body
            #opening.main(#call)
        }
    }
}
