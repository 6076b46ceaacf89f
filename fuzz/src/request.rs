#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| daemonize_control::__fuzz::request(bytes));
