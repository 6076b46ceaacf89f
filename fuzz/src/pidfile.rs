#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| daemonize_core::__fuzz::pidfile(bytes));
