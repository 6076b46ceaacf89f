//! Names for the lifetimes that a type leaves out: `impl Borrow<T>` allows no `'_` in `T`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{GenericArgument, Lifetime, Path, PathArguments, Type, TypeParamBound};

/// The names given so far.
#[derive(Default)]
pub(crate) struct Fresh(Vec<Lifetime>);

impl Fresh {
    /// The type with a name for every lifetime it leaves out.
    pub(crate) fn name_in(&mut self, ty: &Type) -> TokenStream {
        // Nothing of `syn` can be cloned here; what was printed can be read again.
        match syn::parse2(ty.to_token_stream()) {
            Ok(mut copy) => {
                self.visit(&mut copy);
                copy.to_token_stream()
            }
            Err(_) => ty.to_token_stream(),
        }
    }

    /// What the functions that use the names must declare.
    pub(crate) fn into_names(self) -> Vec<Lifetime> {
        self.0
    }

    fn next(&mut self, span: Span) -> Lifetime {
        let name = format!("'__lent_{}", self.0.len() + 1);
        self.0.push(Lifetime::new(&name, Span::mixed_site()));
        Lifetime::new(&name, span.resolved_at(Span::mixed_site()))
    }

    /// Function pointers and `Fn(&T)` are left alone: they bind their lifetimes themselves.
    fn visit(&mut self, ty: &mut Type) {
        match ty {
            Type::Array(array) => self.visit(&mut array.elem),
            Type::Group(group) => self.visit(&mut group.elem),
            Type::Paren(paren) => self.visit(&mut paren.elem),
            Type::Ptr(pointer) => self.visit(&mut pointer.elem),
            Type::Slice(slice) => self.visit(&mut slice.elem),
            Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(|elem| self.visit(elem)),
            Type::Reference(reference) => {
                let span = reference.and_token.span;
                let lifetime = reference.lifetime.take();
                reference.lifetime = Some(lifetime.unwrap_or_else(|| self.next(span)));
                self.visit_lifetime(reference.lifetime.as_mut());
                self.visit(&mut reference.elem);
            }
            Type::Path(path) => {
                if let Some(qself) = &mut path.qself {
                    self.visit(&mut qself.ty);
                }
                self.visit_path(&mut path.path);
            }
            Type::TraitObject(object) => self.visit_bounds(&mut object.bounds),
            _ => {}
        }
    }

    fn visit_path(&mut self, path: &mut Path) {
        for segment in &mut path.segments {
            let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else {
                continue;
            };
            for argument in &mut arguments.args {
                match argument {
                    GenericArgument::Lifetime(lifetime) => self.visit_lifetime(Some(lifetime)),
                    GenericArgument::Type(ty) => self.visit(ty),
                    GenericArgument::AssocType(associated) => self.visit(&mut associated.ty),
                    _ => {}
                }
            }
        }
    }

    fn visit_bounds<P>(&mut self, bounds: &mut Punctuated<TypeParamBound, P>) {
        for bound in bounds {
            match bound {
                TypeParamBound::Trait(bound) => self.visit_path(&mut bound.path),
                TypeParamBound::Lifetime(lifetime) => self.visit_lifetime(Some(lifetime)),
                _ => {}
            }
        }
    }

    fn visit_lifetime(&mut self, lifetime: Option<&mut Lifetime>) {
        if let Some(lifetime) = lifetime {
            if lifetime.ident == "_" {
                *lifetime = self.next(lifetime.span());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fresh;

    fn named(ty: &str) -> String {
        let mut fresh = Fresh::default();
        let ty = fresh.name_in(&syn::parse_str(ty).expect("the test's type is none"));
        ty.to_string().split_whitespace().collect()
    }

    #[test]
    fn names_what_is_left_out() {
        assert_eq!(named("Config<'_>"), "Config<'__lent_1>");
        assert_eq!(named("Vec<&str>"), "Vec<&'__lent_1str>");
        assert_eq!(named("(&'_ u8, [&mut u8])"), "(&'__lent_1u8,[&'__lent_2mutu8])");
        assert_eq!(named("Box<dyn Show<'_> + '_>"), "Box<dynShow<'__lent_1>+'__lent_2>");
        assert_eq!(named("<A<'_> as B<Item = &u8>>::C"), "<A<'__lent_1>asB<Item=&'__lent_2u8>>::C");
    }

    #[test]
    fn leaves_alone_what_is_named_or_binds_its_own() {
        for ty in ["Config<'a>", "Vec<&'a str>", "fn(&str) -> &str", "Box<dyn Fn(&str)>", "[u8; N]"] {
            let without_spaces: String = ty.split_whitespace().collect();
            assert_eq!(named(ty), without_spaces);
        }
    }
}
