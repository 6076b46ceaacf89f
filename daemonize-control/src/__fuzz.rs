//! The entry point of the fuzzer: the check of requests, and the property that holds for all input.

use crate::server::outcome;

/// Checks that a request has the same result in one piece, in two pieces and byte by byte. The first byte is the position of
/// the cut.
pub fn request(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let whole = outcome(&[stream]);
    let (one, other) = stream.split_at(usize::from(*cut).min(stream.len()));
    assert_eq!(outcome(&[one, other]), whole);
    assert_eq!(outcome(&stream.chunks(1).collect::<Vec<_>>()), whole);
}
