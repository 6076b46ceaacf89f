//! Reads `environment=A="1",B='2'`.

/// Returns the variables of an `environment`, not yet expanded.
///
/// # Errors
/// The text is not a list of `NAME=value`.
pub(super) fn variables(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("a variable has no `=`")?;
        let (value, after) = value(after.trim_start())?;
        if name.trim().is_empty() {
            return Err("a variable has no name".into());
        }
        found.push((name.trim().to_owned(), value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => "",
            None => return Err("there is no comma between two variables".into()),
        };
    }
    Ok(found)
}

/// Returns a value, quoted or not, and the text behind it.
fn value(text: &str) -> Result<(String, &str), String> {
    let (mut value, mut quote) = (String::new(), None);
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (None, ',' | '\n') => return Ok((value.trim_end().to_owned(), &text[at..])),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (Some('"'), '\\') => value.extend(letters.next().map(|(_, next)| next)),
            _ => value.push(letter),
        }
    }
    if quote.is_some() { Err("a quote is not closed".into()) } else { Ok((value.trim_end().to_owned(), "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_quoted_or_not() {
        let read = |text: &str| variables(text).unwrap();
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(read("A=\"1,2\",B='x y' , C=/a:b"), pairs(&[("A", "1,2"), ("B", "x y"), ("C", "/a:b")]));
        assert_eq!(read("A=\"1\",\nB=\"\\\"\","), pairs(&[("A", "1"), ("B", "\"")]));
        for wrong in ["A", "A=\"1", "=1", "A=1\nB=2"] {
            assert!(variables(wrong).is_err(), "{wrong}");
        }
    }
}
