//! The reader of what comes from outside, and what must hold of it whatever it is given.

use crate::server::outcomes;

/// A request: the same in one piece, in two, and byte by byte. The first byte says where the cut is.
pub fn request(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let whole = outcomes(&[stream]);
    let (one, other) = stream.split_at(usize::from(*cut).min(stream.len()));
    assert_eq!(outcomes(&[one, other]), whole);
    assert_eq!(outcomes(&stream.chunks(1).collect::<Vec<_>>()), whole);
}
