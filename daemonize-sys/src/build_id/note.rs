//! Finds the GNU build-id note among the program headers that the loader has mapped.

use std::ffi::{c_int, c_void};
use std::fmt::Write;

/// The longest note that is taken as an id, in bytes. Linkers write 8 (xxhash), 16 (MD5, UUID), 20 (SHA-1) or 32 bytes (SHA-256), or
/// what the user passed.
const MAX_NOTE_LENGTH: usize = 32;

/// The type of the note with a build id (`elf(5)`, `NT_GNU_BUILD_ID`).
const NT_GNU_BUILD_ID: u32 = 3;

/// The length of a note's header: three words of 32 bits.
const NOTE_HEADER_LENGTH: usize = 12;

/// Returns the build id of the main program, if the linker wrote one.
pub(super) fn of_main_program() -> Option<String> {
    let mut id: Option<String> = None;
    // SAFETY: the callback gets `id`, which outlives the call, and does not unwind: it slices through `get` only.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut id).cast()) };
    id
}

/// Reads the first object, which is the main program, and ends the iteration.
extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, id: *mut c_void) -> c_int {
    // SAFETY: `id` is the `Option<String>` of `of_main_program`, and `info` is valid during the callback.
    let (id, info) = unsafe { (&mut *id.cast::<Option<String>>(), &*info) };
    if !info.dlpi_phdr.is_null() {
        // SAFETY: the loader gives the address and the number of the program's headers, which stay mapped.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        // The numbers have 32 or 64 bits, depending on the target; one that is no address makes the segment useless.
        #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
        let segments = headers.iter().filter_map(|header| {
            Some(Segment {
                kind: header.p_type,
                readable: header.p_flags & libc::PF_R != 0,
                address: usize::try_from(header.p_vaddr).ok()?,
                // Of a segment in memory, what is beyond the file's bytes is zero.
                length: usize::try_from(header.p_filesz.min(header.p_memsz)).ok()?,
                alignment: if header.p_align == 8 { 8 } else { 4 },
            })
        });
        let segments: Vec<Segment> = segments.collect();
        let base = usize::try_from(info.dlpi_addr).unwrap_or(0);
        *id = segments.iter().find_map(|note| find(mapped_notes(&segments, note, base)?, note.alignment));
    }
    1
}

/// A program header in numbers of one width.
struct Segment {
    kind: u32,
    readable: bool,
    address: usize,
    length: usize,
    alignment: usize,
}

impl Segment {
    /// Returns `true` if all bytes of `inner` are in this segment.
    fn contains(&self, inner: &Segment) -> bool {
        let ends = self.address.checked_add(self.length).zip(inner.address.checked_add(inner.length));
        self.address <= inner.address && ends.is_some_and(|(outer, inner)| inner <= outer)
    }
}

/// Returns the bytes of a note segment, or `None` if the segment is of another type, or is not inside one that is loaded and
/// readable: a program that was edited (`objcopy`, a packer) may have headers that point nowhere.
fn mapped_notes(segments: &[Segment], note: &Segment, base: usize) -> Option<&'static [u8]> {
    if note.kind != libc::PT_NOTE {
        return None;
    }
    segments.iter().find(|loaded| loaded.kind == libc::PT_LOAD && loaded.readable && loaded.contains(note))?;
    let address = base.checked_add(note.address)?;
    // SAFETY: these bytes are in a readable segment that the kernel has mapped from the program's file; no code writes notes, and
    // the main program is never unloaded.
    Some(unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), note.length) })
}

/// Returns the build id in a segment of notes (`elf(5)`): per note the lengths of name and content, the type, and both texts,
/// each padded to the alignment.
fn find(notes: &[u8], alignment: usize) -> Option<String> {
    let mut at: usize = 0;
    loop {
        let header = notes.get(at..at.checked_add(NOTE_HEADER_LENGTH)?)?;
        let mut words = header.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        let (name_length, length, kind) = (words.next()?, words.next()?, words.next()?);
        let name_start = at + NOTE_HEADER_LENGTH;
        let name_end = name_start.checked_add(usize::try_from(name_length).ok()?)?;
        let start = name_end.checked_next_multiple_of(alignment)?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let (name, content) = (notes.get(name_start..name_end)?, notes.get(start..end)?);
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" {
            return id_of_note(content);
        }
        at = end.checked_next_multiple_of(alignment)?;
    }
}

/// Returns the bytes of a note as hexadecimal digits, or `None` if it is empty or too long to be an id.
fn id_of_note(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > MAX_NOTE_LENGTH {
        return None;
    }
    Some(bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}"); // a string takes everything
        digits
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns a note in bytes.
    fn note(kind: u32, name: &[u8], content: &[u8], alignment: usize) -> Vec<u8> {
        let lengths = [name.len(), content.len()].map(|length| u32::try_from(length).unwrap());
        let mut bytes: Vec<u8> = [lengths[0], lengths[1], kind].iter().flat_map(|word| word.to_ne_bytes()).collect();
        for part in [name, content] {
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(alignment), 0);
        }
        bytes
    }

    #[test]
    fn id_of_note_empty_or_long_is_none() {
        assert_eq!(id_of_note(&[]), None);
        assert_eq!(id_of_note(&[0; 33]), None);
        assert_eq!(id_of_note(&[0x9f, 0x06]).as_deref(), Some("9f06"));
    }

    #[test]
    fn find_note_behind_others_returns_its_content() {
        for alignment in [4, 8] {
            let mut notes = note(5, b"GNU\0", &[1; 17], alignment);
            notes.extend(note(3, b"Go\0\0", &[2; 20], alignment));
            notes.extend(note(3, b"GNU\0", &[0xab; 3], alignment));
            assert_eq!(find(&notes, alignment).as_deref(), Some("ababab"));
        }
    }

    #[test]
    fn find_note_cut_off_or_with_huge_lengths_is_none() {
        let whole = note(3, b"GNU\0", &[7; 20], 4);
        for length in 0..whole.len() {
            assert_eq!(find(&whole[..length], 4), None);
        }
        let mut huge = whole;
        huge[..8].fill(0xff);
        assert_eq!(find(&huge, 4), None);
    }

    #[test]
    fn mapped_notes_outside_loaded_segments_are_none() {
        let segment = |kind, readable, address, length| Segment { kind, readable, address, length, alignment: 4 };
        let notes = segment(libc::PT_NOTE, true, 0x1000, 0x20);
        for loaded in [(true, 0x1001, 0x100), (true, 0x900, 0x710), (false, 0x1000, 0x100), (true, usize::MAX, 2)] {
            let segments = [segment(libc::PT_LOAD, loaded.0, loaded.1, loaded.2)];
            assert!(mapped_notes(&segments, &notes, 0).is_none(), "{loaded:?}");
        }
        let endless = segment(libc::PT_NOTE, true, 0x1000, usize::MAX);
        assert!(mapped_notes(&[segment(libc::PT_LOAD, true, 0, usize::MAX)], &endless, 0).is_none());
    }

    proptest! {
        #[test]
        fn find_any_bytes_does_not_panic(bytes: Vec<u8>, eight: bool) {
            let _ = find(&bytes, if eight { 8 } else { 4 });
        }
    }
}
