//! Actions of a bot that uses memory.

use crate::Result;
use std::thread;
use std::time::Duration;

/// Calls the function of this name; `None` if there is none.
pub(crate) fn perform(name: &str, value: &str) -> Option<Result> {
    match name {
        "hold" => Some(hold(value)),
        "grow" => Some(grow(value)),
        _ => None,
    }
}

/// Keeps this number of megabytes in RAM until the process ends.
fn hold(megabytes: &str) -> Result {
    let size = megabytes.parse::<usize>()? * 1_000_000;
    // Written to, since memory of zeroes takes none.
    Box::leak(vec![1_u8; size].into_boxed_slice());
    Ok(())
}

/// Takes a megabyte in each 10 ms, up to this number.
fn grow(megabytes: &str) -> Result {
    for _ in 0..megabytes.parse::<usize>()? {
        hold("1")?;
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
