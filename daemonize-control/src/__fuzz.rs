//! The check of what comes from outside, and what must hold of it for all input.

use crate::server::outcome;

/// Checks that a request is read the same in one piece, in two, and byte by byte. The first byte says where the cut is.
pub fn request(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let whole = outcome(&[stream]);
    let (one, other) = stream.split_at(usize::from(*cut).min(stream.len()));
    assert_eq!(outcome(&[one, other]), whole);
    assert_eq!(outcome(&stream.chunks(1).collect::<Vec<_>>()), whole);
}
