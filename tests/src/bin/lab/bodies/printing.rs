//! Bodies that print many numbered lines, each with one write(2).

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use look::actions::{Failure, Fallible, idle, note};
use look::in_lab;
use nix::unistd::write;

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![; print_lines, print_lines_with_child, print_bytes];

/// `WRITERS:LINES:LENGTH:PAUSE`: each of the threads prints the lines `WRITER NUMBER …` of a length in bytes, with a pause in
/// microseconds after each; the odd ones on standard error. Then notes `printed`, and idles. After each line that the kernel has
/// accepted, the number of the writer's lines is in the file `accepted`.
fn print_lines(text: &str) -> Fallible {
    print_on_threads(text)?;
    note("printed")?;
    idle();
    Ok(())
}

/// As `print_lines`, while a child prints as many lines as one writer, as `child NUMBER …`.
fn print_lines_with_child(text: &str) -> Fallible {
    let [_, lines, length, _] = numbers(text)?;
    let script = format!(
        "printf -v pad '%*s' {length} ''; for ((i = 0; i < {lines}; i++)); do echo \"child $i ${{pad// /c}}\"; done"
    );
    let mut child = Command::new("bash").args(["-c", &script]).spawn()?;
    print_on_threads(text)?;
    child.wait()?;
    note("printed")?;
    idle();
    Ok(())
}

/// `BYTES:PIECE`: prints the bytes, in pieces of this size, then notes `printed`, and idles.
fn print_bytes(text: &str) -> Fallible {
    let (bytes, piece) = text.split_once(':').ok_or("BYTES:PIECE")?;
    let (bytes, piece): (usize, usize) = (bytes.parse()?, piece.parse()?);
    let mut line = vec![b'x'; piece];
    line[piece - 1] = b'\n';
    for _ in 0..bytes / piece {
        print(false, &line)?;
    }
    note("printed")?;
    idle();
    Ok(())
}

fn numbers(text: &str) -> Result<[usize; 4], Failure> {
    let numbers: Result<Vec<usize>, _> = text.split(':').map(str::parse).collect();
    numbers?.try_into().map_err(|_| "WRITERS:LINES:LENGTH:PAUSE".into())
}

fn print_on_threads(text: &str) -> Fallible {
    let [writers, lines, length, pause] = numbers(text)?;
    let pause = Duration::from_micros(pause.try_into()?);
    let accepted = OpenOptions::new().write(true).create(true).truncate(true).open(in_lab("accepted"))?;
    thread::scope(|scope| {
        for writer in 0..writers {
            let accepted = &accepted;
            scope.spawn(move || {
                for number in 0..lines {
                    let begin = format!("{writer} {number} ");
                    let line = format!("{begin}{}\n", "x".repeat(length.saturating_sub(begin.len() + 1)));
                    if print(writer % 2 == 1, line.as_bytes()).is_ok() {
                        let count = u64::try_from(number + 1).expect("a few lines");
                        let place = u64::try_from(8 * writer).expect("a few writers");
                        accepted.write_all_at(&count.to_le_bytes(), place).expect("a file");
                    }
                    if !pause.is_zero() {
                        thread::sleep(pause);
                    }
                }
            });
        }
    });
    Ok(())
}

/// Writes all bytes to standard output or standard error, one line with one call.
fn print(to_stderr: bool, bytes: &[u8]) -> nix::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        let rest = &bytes[written..];
        written += if to_stderr { write(io::stderr(), rest)? } else { write(io::stdout(), rest)? };
    }
    Ok(())
}
