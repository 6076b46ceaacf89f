// Shows the bot in the panel: facts, the last day, the last exits, and counts.

let details = new AbortController();
/** What `show` told of the bot, and its last day. */
let shownFacts = null, shownDay = null;
function clearDetails() {
  details.abort();
  shownFacts = shownDay = null;
  $('panel-state').saidOfBot = null;
  for (const id of ['day', 'ends']) {
    $(id).hidden = true;
    $(id).querySelector('div').replaceChildren();
  }
}

/** Asks for what the list does not tell; an older monitor does not know it. */
async function readDetails() {
  const name = followed;
  if (name === null) return;
  details.abort();
  details = new AbortController();
  const { signal } = details;
  const ask = (what) => wire.get(route(name, what), signal).catch((error) => (error.status === 401 && !signal.aborted ? logIn(error) : null));
  const [show, history] = await Promise.all([ask('show'), ask('history')]);
  if (signal.aborted || followed !== name) return;
  shownFacts = show?.show ?? null;
  shownDay = history?.history ?? null;
  paintEnds(shownFacts?.exits ?? []);
  paintDay(shownDay);
  $('panel-state').saidOfBot = null;
  paintPanel();
}

function paintPanel() {
  const entry = bots.get(followed);
  if (!entry || $('panel').hidden) return;
  const { bot } = entry;
  const state = $('panel-state');
  state.dataset.state = bot.state;
  write(state, bot.state);
  write($('panel-why'), why(entry));
  const known = [
    ['Reason', bot.reason],
    ['Pid', bot.pid],
    ['Health', bot.health && [bot.health, bot.last_check && `checked ${clock(bot.last_check.time)}`].filter(Boolean).join(', ')],
    ['Last end', bot.last_exit],
    ['Exits', bot.exits > 0 || bot.limit ? `${bot.exits} in ${duration(bot.window)}, ${bot.limit} allowed` : null],
    [isUp(bot) ? 'Up since' : 'Since', bot.since ? clock(bot.since) : null],
    ['Next run', bot.next_run ? clock(bot.next_run) : null],
    ['Memory', bot.memory_max ? `${memory(bot.memory)} of ${memory(bot.memory_max)}` : null],
    ['Lost output', bot.dropped ? memory(bot.dropped) : null],
    ['Group', bot.group],
    ['Starts', bot.autostart ? 'with the monitor' : 'when told'],
    ['Configured', bot.configured === false ? 'no, added by hand' : null],
    ...factsOf(shownFacts),
  ].filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false);
  const said = JSON.stringify([known, bot.events]);
  if (state.saidOfBot === said) return;
  state.saidOfBot = said;
  $('facts-of-bot').replaceChildren(...known.flatMap(([name, value]) => [element('dt', name), element('dd', String(value))]));
  const counted = bot.events.filter(({ total }) => total > 0);
  $('counts').hidden = counted.length === 0;
  $('counts').tBodies[0].replaceChildren(...counted.map((event) => {
    const row = element('tr');
    const cell = element('td');
    cell.append(sparkline(event.minutes));
    const name = element('th', event.name);
    name.scope = 'row';
    row.append(name, element('td', number(event.total)), element('td', number(event.hour)), cell);
    return row;
  }));
}

/** What `show` tells beyond the list. */
function factsOf(show) {
  if (!show) return [];
  const related = (all) => (all ?? []).map(({ name, ready }) => (ready ? name : `${name} (not ready)`)).join(', ');
  const { next, logs = [], environment = [] } = show;
  return [
    ['Next', next?.step && [next.step, next.why].filter(Boolean).join(': ')],
    ['Command', [show.command, ...(show.arguments ?? [])].map(quoted).join(' ')],
    ['User', [show.user, show.unix_group && `group ${show.unix_group}`].filter(Boolean).join(', ')],
    ['Directory', show.directory],
    ['Environment', environment.join(', ')],
    ['Depends on', related(show.dependencies)],
    ['Needed by', related(show.dependents)],
    ...logs.map((log) => [log.stream, [log.path ?? log.target, log.size && memory(log.size), log.problem].filter(Boolean).join(', ')]),
    ...(show.settings ?? []).map(({ key, value }) => [key, value]),
  ];
}

/** A word of a command as a shell would take it. */
const quoted = (word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The last exits, the newest first: when, how, after how long, and the last lines before it. */
function paintEnds(ends) {
  $('ends').hidden = ends.length === 0;
  const inOrder = [...ends].sort((one, other) => other.at - one.at);
  $('ends').querySelector('div').replaceChildren(...inOrder.slice(0, 20).map((end) => {
    const lines = (end.lines ?? []).map(String);
    const made = element(lines.length > 0 ? 'details' : 'p', undefined, 'end');
    const head = lines.length > 0 ? element('summary') : made;
    head.append(element('time', clock(end.at)), ' ', element('span', endOf(end)));
    if (end.ran_for > 0) head.append(' ', element('small', `after ${duration(end.ran_for)}`));
    if (lines.length > 0) {
      const text = element('pre');
      text.tabIndex = 0;
      lines.forEach((line) => text.append(...coloured(line), '\n'));
      made.append(head, text);
    }
    return made;
  }));
}

const endOf = ({ exit, reason }) => [exit, reason !== exit && reason].filter((one) => typeof one === 'string' && one).join(': ') || 'ended';

/** The last day in three drawings: exits as lines, memory and CPU as what they came to. */
function paintDay(day) {
  const drawn = [['Exits', day?.exits, (value) => String(value), true], ['Memory', day?.memory, memory], ['CPU', day?.cpu, percent]]
    .filter(([, values]) => values?.some((value) => value > 0));
  $('day').hidden = drawn.length === 0;
  $('day').querySelector('div').replaceChildren(...drawn.map(([name, values, text, isCount]) => {
    const made = element('figure');
    const most = Math.max(...values.map((value) => value ?? 0));
    const all = values.reduce((total, value) => total + (value ?? 0), 0);
    const caption = element('figcaption', name);
    caption.append(element('b', isCount ? text(all) : `${text(values.findLast((value) => (value ?? null) !== null))}, at most ${text(most)}`));
    made.append(caption, drawing(values, most, isCount));
    return made;
  }));
  write($('day-since'), day?.start ? `since ${clock(day.start)}` : '');
}
