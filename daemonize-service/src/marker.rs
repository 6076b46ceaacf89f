//! The header by which this program knows the files that it has written, and notices that one was edited.

/// The word of the second header line. The number is the version of the header.
const MARKER: &str = "daemonic-service-1";

/// The most lines at the beginning of a file among which the header is looked for: scripts and XML begin with lines of their own.
const MAX_LINES: usize = 8;

/// The header of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The name of the service.
    pub(crate) service: String,
    /// `true` if the content is not the one that was written with the header.
    pub(crate) is_edited: bool,
}

/// Returns the two lines of the header without comment signs. `content` is the file without them.
pub(crate) fn lines(service: &str, program: &str, version: &str, content: &str) -> [String; 2] {
    let version = if version.is_empty() { String::new() } else { format!(" {version}") };
    [
        format!(
            "Written by `{program} service install`{version}, which replaces it; `{program} service uninstall` removes it."
        ),
        format!("{MARKER} service={service} hash={:016x}", hash(content)),
    ]
}

/// Reads the header of a file; `None` for a file that this library has not written.
pub(crate) fn read(text: &str) -> Option<Marker> {
    let (index, line) = text.lines().take(MAX_LINES).enumerate().find(|(_, line)| line.contains(MARKER))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != MARKER).skip(1);
    let service = words.next()?.strip_prefix("service=")?.to_owned();
    let hash_text = words.next()?.strip_prefix("hash=")?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // The line above is the first one of the header.
    let first = index.checked_sub(1)?;
    let content: String = lines[..first].iter().chain(&lines[index + 1..]).copied().collect();
    Some(Marker { service, is_edited: hash_text != format!("{:016x}", hash(&content)) })
}

/// Returns the FNV-1a hash of a text: it finds edits by hand, and protects against nothing.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_read_back_and_edit_is_noticed() {
        let [first, second] = lines("myd@blue", "/usr/bin/myd", "1.2", "#!/bin/sh\nexec x\n");
        let text = format!("#!/bin/sh\n# {first}\n# {second}\nexec x\n");
        assert_eq!(read(&text), Some(Marker { service: "myd@blue".into(), is_edited: false }));
        assert!(read(&text.replace("exec x", "exec y")).is_some_and(|marker| marker.is_edited));
        assert!(read(&text.replace("hash=", "hash=0")).is_some_and(|marker| marker.is_edited));
    }

    #[test]
    fn file_without_a_header_is_foreign() {
        for text in [
            "",
            "\n",
            "# daemonic-service-1 service=a hash=0\n",
            "#\n# daemonic-service-1 hash=0\n",
            "#\n# daemonic-service-1",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        let late = format!("{}# x\n# daemonic-service-1 service=a hash=0\n", "\n".repeat(MAX_LINES));
        assert_eq!(read(&late), None);
    }
}
