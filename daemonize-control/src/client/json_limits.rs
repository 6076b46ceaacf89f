//! Limits the JSON that is parsed: as a [`Value`], `[0],[0],…` takes nearly a hundred times its size.

use serde_json::Value;

/// Maximum weight (see [`weight`]) of a reply: about 300 MB as values.
const MAX_REPLY: usize = 1 << 22;

/// Maximum weight (see [`weight`]) of an event of a stream.
const MAX_EVENT: usize = 1 << 20;

/// Reads the JSON of a reply.
///
/// # Errors
/// The text is not JSON, or has too many values.
pub(super) fn of_reply(text: &[u8]) -> Result<Value, String> {
    if weight(text) > MAX_REPLY {
        return Err(format!("it has more JSON values than {MAX_REPLY}, the limit of a reply"));
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Reads the data of an event: text that is not JSON is a string.
///
/// # Errors
/// The data has too many JSON values.
pub(super) fn of_event(text: String) -> Result<Value, &'static str> {
    if weight(text.as_bytes()) > MAX_EVENT {
        return Err("an event has more JSON values than 1048576, the limit of an event");
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Estimates the memory that JSON takes as a [`Value`], in units of one value: 1 for each comma, and the size of the smallest
/// non-empty array or object for each bracket. Commas and brackets in strings count as well.
fn weight(text: &[u8]) -> usize {
    // Sums of bytes are vectorized, and those of 255 bytes fit into one: a fifth of the instructions of a look at each byte.
    let in_chunk = |chunk: &[u8], wanted: u8| chunk.iter().map(|byte| u8::from(*byte == wanted)).sum::<u8>();
    let count = |wanted: u8| text.chunks(255).map(|chunk| usize::from(in_chunk(chunk, wanted))).sum::<usize>();
    count(b',') + 5 * count(b'[') + 7 * count(b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 5.19.
    #[test]
    fn json_of_too_many_values_is_refused() {
        for (piece, most) in [("0,", MAX_REPLY), ("[0],", MAX_REPLY / 6), ("{\"\":0},", MAX_REPLY / 8)] {
            let json = |count: usize| format!("[{}0]", piece.repeat(count));
            assert!(
                weight(json(most - 10).as_bytes()) <= MAX_REPLY && of_reply(json(10).as_bytes()).is_ok(),
                "{piece}"
            );
            let error = of_reply(json(most + 10).as_bytes()).unwrap_err();
            assert_eq!(error, "it has more JSON values than 4194304, the limit of a reply", "{piece}");
            assert_eq!(of_event(json(MAX_EVENT)).unwrap_err().split(' ').next(), Some("an"), "{piece}");
        }
        assert_eq!(of_event("[1,2".into()), Ok(Value::String("[1,2".into())));
    }
}
