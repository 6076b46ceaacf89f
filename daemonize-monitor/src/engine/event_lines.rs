//! Counts the events that a bot reports through its pipe, one name per line.

/// The longest name of an event that is put together from two pieces.
const MAX_EVENT_NAME: usize = 256;

/// Counts the lines of a piece by their names; equal ones in a row at once. What follows the last line is kept.
pub(super) fn count(partial: &mut Vec<u8>, piece: &[u8], mut report: impl FnMut(&[u8], u64)) {
    let mut rest = piece;
    if !partial.is_empty() || piece.is_empty() {
        let end = memchr::memchr(b'\n', piece).map_or(piece.len(), |end| end + 1);
        let (line, after) = piece.split_at(end);
        partial.extend_from_slice(line);
        if !line.ends_with(b"\n") && !piece.is_empty() {
            // A name without an end is not remembered for ever.
            return partial.truncate(MAX_EVENT_NAME);
        }
        let whole = std::mem::take(partial);
        let name = whole.trim_ascii();
        if !name.is_empty() {
            report(name, 1);
        }
        rest = after;
    }
    let (mut last, mut times): (&[u8], u64) = (b"", 0);
    while !rest.is_empty() {
        // A repeated name, which is the common case, is recognized without a search for its end.
        if times > 0 && rest.len() > last.len() && rest[last.len()] == b'\n' && rest.starts_with(last) {
            times += 1;
            rest = &rest[last.len() + 1..];
            continue;
        }
        let Some(end) = memchr::memchr(b'\n', rest) else {
            partial.extend_from_slice(&rest[..rest.len().min(MAX_EVENT_NAME)]);
            break;
        };
        let name = rest[..end].trim_ascii();
        rest = &rest[end + 1..];
        if name == last {
            times += 1;
            continue;
        }
        if times > 0 && !last.is_empty() {
            report(last, times);
        }
        (last, times) = (name, 1);
    }
    if times > 0 && !last.is_empty() {
        report(last, times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn counted(pieces: &[&[u8]]) -> BTreeMap<Vec<u8>, u64> {
        let (mut partial, mut found) = (Vec::new(), BTreeMap::new());
        for piece in pieces.iter().chain([&&b""[..]]) {
            count(&mut partial, piece, |name, times| *found.entry(name.to_vec()).or_default() += times);
        }
        found
    }

    #[test]
    fn names_are_counted_by_line() {
        let found = counted(&[b"a\na\nb\n\n  a \nab\na", b"b\na\nlast"]);
        let expected = [("a", 4), ("ab", 2), ("b", 1), ("last", 1)];
        assert_eq!(found, expected.map(|(name, times)| (name.as_bytes().to_vec(), times)).into());
    }

    #[test]
    fn a_name_without_an_end_takes_no_more_memory() {
        let mut partial = Vec::new();
        for _ in 0..100 {
            count(&mut partial, &[b'x'; 1000], |_, _| panic!("it has not ended"));
            assert!(partial.len() <= MAX_EVENT_NAME);
        }
    }

    proptest! {
        /// However the pieces are cut, the counts are those of the lines.
        #[test]
        fn counts_do_not_depend_on_how_lines_come(
            names in proptest::collection::vec("[ab]{0,3}", 0..60),
            cuts in proptest::collection::vec(0..200_usize, 0..8),
        ) {
            let text = names.iter().flat_map(|name| [name.as_str(), "\n"]).collect::<String>();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            // A piece is never empty, unless the pipe is at its end.
            let pieces = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).filter(|piece| !piece.is_empty());
            let mut expected = BTreeMap::new();
            for name in names.iter().filter(|name| !name.is_empty()) {
                *expected.entry(name.as_bytes().to_vec()).or_default() += 1;
            }
            prop_assert_eq!(counted(&pieces.collect::<Vec<_>>()), expected);
        }
    }
}
