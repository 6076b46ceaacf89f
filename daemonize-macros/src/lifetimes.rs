//! Names for elided lifetimes of a type: `impl Borrow<T>` allows no `'_` in `T`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Lifetime;

/// The lifetimes that were given names.
#[derive(Default)]
pub(crate) struct FreshLifetimes(pub(crate) Vec<Lifetime>);

impl FreshLifetimes {
    fn next(&mut self, span: Span) -> TokenStream {
        let name = format!("'__lent_{}", self.0.len() + 1);
        self.0.push(Lifetime::new(&name, Span::mixed_site()));
        Lifetime::new(&name, span.resolved_at(Span::mixed_site())).into_token_stream()
    }

    /// Returns the type with a name for every `'_`, and for every `&` without a lifetime. `fn(&T)` and `Fn(&T)` bind their own
    /// lifetimes, so their parentheses and return types stay unchanged, as do the expressions in `[T; 3]` and `{ N }`.
    pub(crate) fn name_in(&mut self, ty: TokenStream) -> TokenStream {
        let mut named = TokenStream::new();
        let mut tokens = ty.into_iter().peekable();
        let (mut verbatim, mut last) = (false, String::new());
        while let Some(token) = tokens.next() {
            let span = token.span();
            if let TokenTree::Group(group) = &token {
                let callable = group.delimiter() == Delimiter::Parenthesis
                    && last.starts_with(char::is_alphabetic)
                    && !["mut", "const", "dyn"].contains(&last.as_str());
                let left_alone = verbatim || callable || group.delimiter() == Delimiter::Brace;
                let content = if left_alone { group.stream() } else { self.name_in(group.stream()) };
                let mut group = Group::new(group.delimiter(), content);
                group.set_span(span);
                named.extend([TokenTree::Group(group)]);
                last.clear();
                continue;
            }
            let (text, next) = (token.to_string(), tokens.peek().map(ToString::to_string));
            verbatim = text != "," && (verbatim || text == ";" || (last == "-" && text == ">"));
            match (text.as_str(), next.as_deref()) {
                ("'", Some("_")) if !verbatim => named.extend(tokens.next().map(|word| self.next(word.span()))),
                ("&", next) if !verbatim && next != Some("'") => {
                    named.extend([token]);
                    named.extend(self.next(span));
                }
                _ => named.extend([token]),
            }
            last = text;
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::FreshLifetimes;

    fn named(ty: &str) -> String {
        let ty = FreshLifetimes::default().name_in(ty.parse().expect("failed to read the test's type"));
        ty.to_string().split_whitespace().collect()
    }

    #[test]
    fn lifetime_that_is_left_out_gets_a_name() {
        for (ty, expected) in [
            ("Config<'_>", "Config<'__lent_1>"),
            ("Vec<&str>", "Vec<&'__lent_1str>"),
            ("(&'_ u8, [&mut u8])", "(&'__lent_1u8,[&'__lent_2mutu8])"),
            ("&&'a mut (u8, &u8)", "&'__lent_1&'amut(u8,&'__lent_2u8)"),
            ("Box<dyn Show<'_> + '_>", "Box<dynShow<'__lent_1>+'__lent_2>"),
            ("<A<'_> as B<Item = &u8>>::C", "<A<'__lent_1>asB<Item=&'__lent_2u8>>::C"),
            ("(fn(&u8) -> &u8, &[&u8; N & 3], C<{ A & B }>)", "(fn(&u8)->&u8,&'__lent_1[&'__lent_2u8;N&3],C<{A&B}>)"),
        ] {
            assert_eq!(named(ty), expected, "{ty}");
        }
    }

    #[test]
    fn lifetime_that_is_named_or_bound_by_the_type_is_left_alone() {
        for ty in ["Config<'a>", "Vec<&'a str>", "fn(&str) -> &str", "Box<dyn Fn(&str)>", "[u8; N]", "&'static [u8; 3]"]
        {
            let without_spaces: String = ty.split_whitespace().collect();
            assert_eq!(named(ty), without_spaces);
        }
    }
}
