//! Suggestions for misspelt words: "did you mean …?".

/// The Jaro-Winkler similarity (0 to 1) from which a word counts as a misspelling of another.
const MIN_SIMILARITY: f64 = 0.8;

/// Returns `, did you mean …?` with the nearest word, or `, expected one of …` with all words if none is similar.
pub(crate) fn hint(word: &str, allowed: &[&str]) -> String {
    let word = word.to_lowercase();
    let similarity = |candidate: &str| strsim::jaro_winkler(&word, &candidate.to_lowercase());
    let nearest = allowed.iter().max_by(|left, right| similarity(left).total_cmp(&similarity(right)));
    match nearest.filter(|candidate| similarity(candidate) >= MIN_SIMILARITY) {
        Some(candidate) => format!(", did you mean `{candidate}`?"),
        None => format!(", expected one of `{}`", allowed.join("`, `")),
    }
}

/// Returns `a`, `a or b`, or `a, b or c`.
pub(crate) fn alternatives(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{alternatives, hint};

    #[test]
    fn slip_of_a_few_letters_or_in_case_gets_the_word() {
        let allowed = ["pidfile", "working_directory", "Umask", "from", "signals"];
        for (word, meant) in [
            ("pidfiel", "pidfile"),
            ("working_direc", "working_directory"),
            ("umask", "Umask"),
            ("umsk", "Umask"),
            ("form", "from"),
            ("signal", "signals"),
        ] {
            assert_eq!(hint(word, &allowed), format!(", did you mean `{meant}`?"));
        }
    }

    #[test]
    fn another_word_gets_all_that_are_allowed() {
        assert_eq!(hint("often", &["auto", "never"]), ", expected one of `auto`, `never`");
        assert_eq!(hint("colour", &["chroot", "close", "control"]), ", expected one of `chroot`, `close`, `control`");
    }

    #[test]
    fn alternatives_are_joined_as_in_a_sentence() {
        let texts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(alternatives(&texts[..1]), "a");
        assert_eq!(alternatives(&texts[..2]), "a or b");
        assert_eq!(alternatives(&texts), "a, b or c");
    }
}
