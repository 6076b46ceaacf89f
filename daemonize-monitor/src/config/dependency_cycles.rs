//! Validates dependencies: unknown names, and cycles in which no bot could ever start.

use super::bot_entry::BotEntry;
use super::diagnostic::{Diagnostic, Location};
use super::suggestion::nearest;
use std::collections::HashMap;

/// Returns all errors in the dependencies of these bots.
pub(super) fn check(bots: &[BotEntry]) -> Vec<Diagnostic> {
    let numbers: HashMap<&str, usize> = bots.iter().enumerate().map(|(index, bot)| (&*bot.bot.name, index)).collect();
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, entry) in bots.iter().enumerate() {
        if let Some(group) = entry.bot.bot_group.as_deref() {
            groups.entry(group).or_default().push(index);
        }
    }
    let mut mistakes = Vec::new();
    let mut edges: Vec<Vec<(usize, &Location)>> = Vec::with_capacity(bots.len());
    for (index, bot) in bots.iter().enumerate() {
        let found =
            bot.dependencies.iter().flat_map(|(name, place)| match (numbers.get(&**name), groups.get(&**name)) {
                (Some(number), _) => vec![(*number, place)],
                // A bot of the group waits for the others of it.
                (None, Some(group)) => {
                    group.iter().filter(|other| **other != index).map(|other| (*other, place)).collect()
                }
                (None, None) => {
                    mistakes.push(unknown(name, place, numbers.keys().chain(groups.keys()).copied()));
                    Vec::new()
                }
            });
        edges.push(found.collect());
    }
    mistakes.extend(cycles(&edges).into_iter().map(|circle| told(&circle, bots, &edges)));
    mistakes
}

/// Returns the error for a dependency that names neither a bot nor a group of bots.
fn unknown<'a>(name: &str, place: &Location, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let hint = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write the name of a bot of this configuration".into(),
    };
    Diagnostic { place: place.clone(), text: format!("`depends_on`: there is no bot {name:?}: {hint}") }
}

/// The state of a bot in the depth-first search.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    No,
    /// On the current path.
    OnPath,
    Done,
}

/// Returns a cycle for each back edge of a depth-first search: its bots, each depending on the next.
fn cycles(edges: &[Vec<(usize, &Location)>]) -> Vec<Vec<usize>> {
    let (mut seen, mut found) = (vec![Seen::No; edges.len()], Vec::new());
    for start in 0..edges.len() {
        if seen[start] != Seen::No {
            continue;
        }
        // An explicit stack instead of recursion: a chain of ten thousand bots would overflow the thread's stack.
        let mut way = vec![(start, 0)];
        seen[start] = Seen::OnPath;
        while let Some((here, next)) = way.last_mut() {
            let Some((there, _)) = edges[*here].get(*next) else {
                seen[*here] = Seen::Done;
                way.pop();
                continue;
            };
            *next += 1;
            match seen[*there] {
                Seen::Done => {}
                Seen::No => {
                    seen[*there] = Seen::OnPath;
                    way.push((*there, 0));
                }
                Seen::OnPath => {
                    found.push(way.iter().map(|(bot, _)| *bot).skip_while(|bot| bot != there).collect());
                }
            }
        }
    }
    found
}

/// Returns the error "`a` waits for `b`, which waits for `a`", at the dependency that closes the cycle.
fn told(circle: &[usize], bots: &[BotEntry], edges: &[Vec<(usize, &Location)>]) -> Diagnostic {
    let first = circle[0];
    let last = circle[circle.len() - 1];
    let mut names = circle.iter().skip(1).chain([&first]).map(|bot| format!("`{}`", bots[*bot].bot.name));
    let way = names.by_ref().collect::<Vec<_>>().join(", which waits for ");
    let place = edges[last].iter().find(|(there, _)| *there == first).map_or(&bots[last].place, |(_, place)| place);
    let text = format!("`depends_on`: `{}` waits for {way}: take one of these out", bots[first].bot.name);
    Diagnostic { place: place.clone(), text }
}
