//! The Containerfile: its instructions, by a reader of the few rules that it needs.

use std::fs;

use super::manifest::{pod, texts};

/// An instruction, and its arguments in one line.
type Instruction = (String, String);

/// Returns the instructions of each stage: comment lines are dropped, and lines that end in `\` are continued.
fn stages() -> Vec<Vec<Instruction>> {
    let text = fs::read_to_string(super::example("Containerfile")).expect("the Containerfile");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    let joined = lines.fold(String::new(), |text, line| match line.strip_suffix('\\') {
        Some(line) => text + line,
        None => text + line + "\n",
    });
    let mut stages: Vec<Vec<Instruction>> = Vec::new();
    for line in joined.lines() {
        let (instruction, arguments) = line.split_once(' ').unwrap_or_else(|| panic!("no arguments: {line:?}"));
        if instruction == "FROM" {
            stages.push(Vec::new());
        }
        let stage = stages.last_mut().expect("the first instruction is FROM");
        stage.push((instruction.to_owned(), arguments.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    stages
}

/// Returns the arguments of the only instruction of this name in the last stage.
#[track_caller]
pub(super) fn instruction(name: &str) -> String {
    let stages = stages();
    let found: Vec<_> = stages.last().expect("a stage").iter().filter(|(instruction, _)| instruction == name).collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].1.clone()
}

/// Returns the command of an instruction in its exec form: an image without a shell cannot run the other.
#[track_caller]
pub(super) fn command(name: &str) -> Vec<String> {
    let arguments = instruction(name);
    let command = arguments.get(arguments.find('[').expect("the exec form")..).expect("a position of the text");
    texts(&serde_json::from_str(command).expect("a JSON array"))
}

#[test]
fn image_has_two_stages_of_known_instructions() {
    let known = ["FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"];
    let stages = stages();
    assert_eq!(stages.len(), 2);
    for (instruction, arguments) in stages.iter().flatten() {
        assert!(known.contains(&instruction.as_str()), "{instruction} {arguments}");
    }
    let (build, image) = (&stages[0][0].1, &stages[1]);
    let stage = build.rsplit_once(" AS ").expect("a name").1;
    let copies: Vec<_> = image.iter().filter(|(instruction, _)| instruction == "COPY").collect();
    assert!(copies.iter().all(|(_, arguments)| arguments.starts_with(&format!("--from={stage} "))), "{copies:?}");
    assert!(image.iter().all(|(instruction, _)| instruction != "RUN"), "the image has no shell");
}

#[test]
fn image_runs_the_programs_that_it_copies_as_an_ordinary_user() {
    let copied = instruction("COPY");
    let directory = copied.split(' ').next_back().expect("a destination").to_owned();
    let programs: Vec<String> = copied
        .split(' ')
        .filter_map(|path| path.strip_prefix("/build/target/release/"))
        .map(|name| format!("{directory}{name}"))
        .collect();
    let pod = pod();
    let probes = ["startupProbe", "readinessProbe"].map(|probe| texts(&pod["containers"][0][probe]["exec"]["command"]));
    for command in [command("ENTRYPOINT"), command("HEALTHCHECK")].iter().chain(&probes) {
        assert!(programs.contains(&command[0]), "{command:?} is not among {programs:?}");
    }
    assert_eq!(command("CMD"), ["run"]);
    let context = &pod["securityContext"];
    assert_eq!(instruction("USER"), format!("{}:{}", context["runAsUser"], context["runAsGroup"]));
    assert_eq!(instruction("STOPSIGNAL"), "SIGTERM");
}
