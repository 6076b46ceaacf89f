//! Reads the list of promises, and the promises that tests name.

/// Returns the numbers of the table in the list of promises.
pub(crate) fn promises(list: &str) -> impl Iterator<Item = String> {
    list.lines()
        .filter_map(|line| Some(line.strip_prefix("| ")?.split(' ').next()?.to_owned()))
        .filter(|number| is_number(number))
}

/// Returns the numbers that the doc comments of this file name: 1.02 and 1.03 of a line with `Promises 1.02, 1.03.`.
pub(crate) fn named_promises(source: &str) -> impl Iterator<Item = String> {
    source.lines().map(str::trim).flat_map(numbers_of_doc)
}

fn numbers_of_doc(line: &str) -> Vec<String> {
    let text = line.strip_prefix("/// ").unwrap_or_default();
    let Some((_, list)) = text.split_once("Promise ").or_else(|| text.split_once("Promises ")) else {
        return Vec::new();
    };
    let sentence = list.split(". ").next().unwrap_or_default();
    let words = sentence.split([' ', ',']).map(|word| word.trim_end_matches(['.', ':']));
    let list = words.filter(|word| !word.is_empty() && *word != "and");
    list.take_while(|word| is_number(word)).map(str::to_owned).collect()
}

fn is_number(text: &str) -> bool {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|digit| digit.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(section, number)| (digits(section, 1) || digits(section, 2)) && digits(number, 2))
}

#[test]
fn promises_are_read_from_doc_comments() {
    let source = "/// Promises 1.02, 1.03 and 10.04. 9.99 is not named.\n/// Promise 6.11.\n/// Promise of 7.77.\n#[test]\nfn first() {}\n";
    assert_eq!(named_promises(source).collect::<Vec<_>>(), ["1.02", "1.03", "10.04", "6.11"]);
}
