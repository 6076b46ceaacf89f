//! The id of a build: the linker's note, else a hash of the executable.

use crate::versions_lab::{VersionsLab, assert_ends, find_note};

#[test]
fn greeting_has_the_note_that_the_linker_has_written() {
    let lab = VersionsLab::new();
    let program = std::fs::read(lab.lab.program()).unwrap();
    let build = lab.connect(&[]).build().to_owned();
    match find_note(&program) {
        Some((_, id)) => assert_eq!(build, id),
        None => assert!(build.starts_with('x'), "{build}"),
    }
}

#[test]
fn program_without_a_note_has_the_hash_of_its_file_as_id() {
    let lab = VersionsLab::new();
    // Another type makes the note one of an unknown kind; what is behind the end of the file changes nothing but its hash.
    let without_note = |bytes: &mut Vec<u8>| {
        if let Some((at, _)) = find_note(bytes) {
            bytes[at - 8] = 0x7f;
        }
    };
    let one = lab.other_build("one", without_note);
    let two = lab.other_build("two", |bytes| {
        without_note(bytes);
        bytes.push(0);
    });
    let builds: Vec<String> = [&one, &one, &two]
        .map(|program| {
            let build = lab.connect_with(Some(program), &[]).build().to_owned();
            lab.wait_for_status("clients", "0");
            build
        })
        .into();
    assert!(builds.iter().all(|build| build.starts_with('x') && build.len() == 33), "{builds:?}");
    assert_eq!(builds[0], builds[1], "two processes of one file");
    assert_ne!(builds[0], builds[2], "two files");
}

#[test]
fn build_of_a_daemon_whose_file_was_replaced_is_that_of_its_own_program() {
    let lab = VersionsLab::new();
    let program = lab.other_build("program", |_| {});
    let first = lab.connect_with(Some(&program), &[]);
    // A new file under the same name, as a package manager writes it.
    let newer = lab.other_build("newer", change_id);
    std::fs::rename(newer, &program).unwrap();
    let keeping = lab.connect_with(Some(&program), &["on_mismatch=keep"]);
    assert_eq!((keeping.pid(), keeping.build()), (first.pid(), first.build()));
    lab.wait_for_status("clients", "0");
    let second = lab.connect_with(Some(&program), &[]);
    assert!(second.has_started() && second.build() != first.build(), "{second:?}");
    assert_ends(first.pid());
}

/// Makes another build of the program.
pub(crate) fn change_id(program: &mut Vec<u8>) {
    match find_note(program) {
        Some((at, _)) => program[at] ^= 0xff,
        None => program.push(0),
    }
}
