//! "Did you mean …?": the nearest of the words that are allowed.

/// The allowed word that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    allowed
        .into_iter()
        .map(|candidate| (distance_or_prefix(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(&word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `, did you mean …?` with the nearest word, else `, expected one of …` with all of them.
pub(crate) fn hint(word: &str, allowed: &[&str]) -> String {
    match nearest(word, allowed.iter().copied()) {
        Some(candidate) => format!(", did you mean `{candidate}`?"),
        None => format!(", expected one of {}", list(allowed)),
    }
}

/// The words, each in backquotes, separated by commas.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// One slip per three letters: more than that is another word.
fn tolerance(word: &str, candidate: &str) -> usize {
    (word.len().max(candidate.len()) / 3).max(1)
}

/// The beginning of a word (`working_dir`) is as near as a slip can be.
fn distance_or_prefix(word: &str, candidate: &str) -> usize {
    if word.len() >= 3 && candidate.starts_with(word) {
        return usize::from(word != candidate);
    }
    distance(word, candidate)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let changed = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, hint, nearest};

    #[test]
    fn counts_added_dropped_changed_and_swapped_letters() {
        assert_eq!(distance("pid_file", "pidfile"), 1);
        assert_eq!(distance("umsk", "umask"), 1);
        assert_eq!(distance("sigtrem", "sigterm"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn finds_the_nearest_whatever_its_case_or_if_it_is_cut_short() {
        let allowed = ["pidfile", "working_directory", "Umask"];
        assert_eq!(nearest("pid_file", allowed), Some("pidfile"));
        assert_eq!(nearest("working_dir", allowed), Some("working_directory"));
        assert_eq!(nearest("umask", allowed), Some("Umask"));
        assert_eq!(nearest("colour", allowed), None);
    }

    #[test]
    fn hints_at_one_word_or_at_all_of_them() {
        assert_eq!(hint("atuo", &["auto", "never"]), ", did you mean `auto`?");
        assert_eq!(hint("often", &["auto", "never"]), ", expected one of `auto`, `never`");
    }
}
