#![no_main]

use daemonize_on_demand::{Greeting, MAX_GREETING_BYTES};

// A greeting that was read is written as one line of printable ASCII, which is read again.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(greeting) = Greeting::parse(bytes) {
        let line = greeting.to_string();
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        assert!(line.len() >= MAX_GREETING_BYTES || Greeting::parse(line.as_bytes()).is_ok(), "{line}");
    }
});
