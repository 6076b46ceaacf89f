//! Validates dependencies: unknown names, and cycles in which no bot could ever start.

use super::bot_entry::BotEntry;
use super::diagnostic::{Diagnostic, Location};
use super::suggestion::nearest;
use std::collections::HashMap;

/// Returns all errors in the dependencies of these bots.
pub(super) fn check(bots: &[BotEntry]) -> Vec<Diagnostic> {
    let numbers: HashMap<&str, usize> = bots.iter().enumerate().map(|(index, bot)| (&*bot.bot.name, index)).collect();
    let mut mistakes = Vec::new();
    let edges: Vec<Vec<(usize, &Location)>> = bots
        .iter()
        .map(|bot| bot.dependencies.iter().filter_map(|dependency| edge(dependency, &numbers, &mut mistakes)).collect())
        .collect();
    mistakes.extend(cycles(&edges).into_iter().map(|circle| told(&circle, bots, &edges)));
    mistakes
}

/// Returns the index of the bot that a dependency names, or reports an unknown name.
fn edge<'a>(
    (name, place): &'a (String, Location),
    numbers: &HashMap<&str, usize>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<(usize, &'a Location)> {
    let number = numbers.get(&**name);
    if number.is_none() {
        let hint = match nearest(name, numbers.keys().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write the name of a bot of this configuration".into(),
        };
        let text = format!("`depends_on`: there is no bot {name:?}: {hint}");
        mistakes.push(Diagnostic { place: place.clone(), text });
    }
    number.map(|number| (*number, place))
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
