//! The sentence above the help of a program: the first paragraph of the documentation of `main`.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Returns the first paragraph of the doc comments as one line, without the period at its end. Returns `None` without doc comments.
pub(crate) fn about(attributes: &[Attribute]) -> Option<String> {
    let text: Vec<String> = attributes.iter().filter_map(doc).collect();
    let lines = text.iter().flat_map(|text| text.split('\n')).map(str::trim);
    let paragraph: Vec<&str> = lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect();
    let sentence = paragraph.join(" ");
    // As clap prints doc comments: without the period, but with an ellipsis.
    let sentence = sentence.strip_suffix('.').filter(|rest| !rest.ends_with('.')).unwrap_or(&sentence);
    (!sentence.is_empty()).then(|| sentence.to_owned())
}

/// Returns the text of a doc comment.
fn doc(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if pair.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::about;
    use syn::ItemFn;

    fn about_of(item: &str) -> Option<String> {
        about(&syn::parse_str::<ItemFn>(item).expect("failed to read the test's function").attrs)
    }

    #[test]
    fn first_paragraph_is_one_line_without_its_period() {
        for (item, expected) in [
            ("/// Serves files.\nfn main() {}", "Serves files"),
            ("/// Serves files\n/// to browsers.\n///\n/// More.\nfn main() {}", "Serves files to browsers"),
            ("/** Serves\n files. */ fn main() {}", "Serves files"),
            ("///\n/// Waits...\n#[cfg(unix)] fn main() {}", "Waits..."),
        ] {
            assert_eq!(about_of(item).as_deref(), Some(expected), "{item}");
        }
    }

    #[test]
    fn function_without_doc_comment_has_none() {
        for item in ["fn main() {}", "///\nfn main() {}", "#[doc(hidden)] #[doc = include_str!(\"x\")] fn main() {}"] {
            assert_eq!(about_of(item), None, "{item}");
        }
    }
}
