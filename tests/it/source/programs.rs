//! Finds the programs that tests run.

/// Returns the programs that this file of tests runs by name, without the directories of those that it names by a path.
pub(crate) fn programs(source: &str) -> Vec<String> {
    let run = ["needs(&[", ".command(", "Command::new("].map(|call| source.split(call).skip(1)).into_iter().flatten();
    let words = run.flat_map(|call| {
        let arguments = call.split([')', ']']).next().unwrap_or_default();
        // Of a list, each text; otherwise the first argument.
        let list = arguments.split(", ").map_while(|word| word.trim().strip_prefix('"')?.strip_suffix('"'));
        list.collect::<Vec<_>>()
    });
    words.map(|word| word.rsplit('/').next().unwrap_or(word).to_owned()).collect()
}

#[test]
fn programs_that_tests_need_or_run_are_found() {
    let source = "needs(&[\"mount\", \"dd\"]); lab.command(\"/usr/bin/python3\", &[\"-c\", name]); Command::new(\"sh\"); lab.command(path, &[\"word\"])";
    assert_eq!(programs(source), ["mount", "dd", "python3", "sh"]);
}
