//! The header by which this program knows the files that it has written, and notices that one was edited.

/// The word of the second header line. The number is the version of the header.
const MARKER: &str = "daemonic-service-1";

/// The beginning of the first header line, before the version and the command.
const WRITTEN_BY: &str = "Written by ";

/// The most lines at the beginning of a file among which the header is looked for: scripts and XML begin with lines of their own.
const MAX_LINES: usize = 8;

/// The header of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The name of the service.
    pub(crate) service: String,
    /// The command that wrote the file, as words of a shell.
    pub(crate) command: String,
    /// The hash of the content that was written.
    pub(crate) hash: String,
    /// `true` if the content is not the one that was written with the header.
    pub(crate) is_edited: bool,
}

/// Returns the two lines of the header without comment signs. `command` wrote the file, `content` is the file without the header.
pub(crate) fn lines(service: &str, command: &str, version: &str, content: &str) -> [String; 2] {
    let version = version.split_whitespace().next().unwrap_or("0");
    [
        format!("{WRITTEN_BY}{service} {version}: {command}"),
        format!("{MARKER} service={service} hash={:016x}", hash(content)),
    ]
}

/// Reads the header of a file; `None` for a file that this library has not written.
pub(crate) fn read(text: &str) -> Option<Marker> {
    let (index, line) = text.lines().take(MAX_LINES).enumerate().find(|(_, line)| line.contains(MARKER))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != MARKER).skip(1);
    let service = words.next()?.strip_prefix("service=")?.to_owned();
    let hash_text = words.next()?.strip_prefix("hash=")?.to_owned();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // The line above is the first one of the header.
    let first = index.checked_sub(1)?;
    let (_, written) = lines[first].split_once(WRITTEN_BY)?;
    let command = written.split_once(": ").map_or("", |(_, command)| command).trim_end().to_owned();
    let content: String = lines[..first].iter().chain(&lines[index + 1..]).copied().collect();
    let is_edited = hash_text != format!("{:016x}", hash(&content));
    Some(Marker { service, command, hash: hash_text, is_edited })
}

/// Returns the FNV-1a hash of a text: it finds edits by hand, and protects against nothing.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn header_is_read_back_and_edit_is_noticed() {
        let [first, second] =
            lines("myd@blue", "/usr/bin/myd service install -- --a 'b: c'", "1.2", "#!/bin/sh\nexec x\n");
        let text = format!("#!/bin/sh\n# {first}\n# {second}\nexec x\n");
        let marker = read(&text).unwrap();
        assert_eq!((&*marker.service, marker.is_edited), ("myd@blue", false));
        assert_eq!(marker.command, "/usr/bin/myd service install -- --a 'b: c'");
        assert!(read(&text.replace("exec x", "exec y")).is_some_and(|marker| marker.is_edited));
        assert!(read(&text.replace("hash=", "hash=0")).is_some_and(|marker| marker.is_edited));
    }

    #[test]
    fn file_without_a_header_is_foreign() {
        let second = "# daemonic-service-1 service=a hash=0\n";
        for text in
            ["", "\n", second, "#\n# daemonic-service-1 hash=0\n", "#\n# daemonic-service-1", &format!("#\n{second}")]
        {
            assert_eq!(read(text), None, "{text:?}");
        }
        let late = format!("{}# Written by a 1: a\n{second}", "\n".repeat(MAX_LINES));
        assert_eq!(read(&late), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(#|Written by |daemonic-service-1|service=a|hash=0| |: |\r|\n|\u{2028}|ü){0,24}") {
            let _ = read(&text);
        }

        #[test]
        fn header_of_any_content_is_read_back(content in "([a-z= ]{0,9}\n){0,5}", command in "[ -~]{0,20}") {
            let [first, second] = lines("myd", &command, "1.2", &content);
            let marker = read(&format!("# {first}\n# {second}\n{content}")).unwrap();
            prop_assert_eq!((marker.is_edited, marker.command.trim()), (false, command.trim()));
        }
    }
}
