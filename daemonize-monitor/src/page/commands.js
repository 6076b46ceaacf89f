// What a person tells the monitor to do with a bot, or with several.

/** How long an answer is waited for; after that the state alone tells. */
const PATIENCE = 10;
/** A browser opens six connections at most, and the streams need theirs. */
const AT_ONCE = 3;
/** How many bots are asked for what depends on them, and how many names one request and one question have. */
const MOST_ASKED = 32;
const MOST_NAMES = 400;
const MOST_LISTED = 12;
const DONE = { start: 'started', stop: 'stopped', restart: 'restarted' };
const turns = { taken: 0, waiting: [] };

async function takeTurn() {
  if (turns.taken >= AT_ONCE) await new Promise((go) => turns.waiting.push(go));
  else turns.taken += 1;
}

function passTurn() {
  const next = turns.waiting.shift();
  if (next) next();
  else turns.taken -= 1;
}

async function inTurn(act) {
  await takeTurn();
  try {
    return await act();
  } finally {
    passTurn();
  }
}

const route = (name, rest) => `bots/${encodeURIComponent(name)}/${rest}`;

/** What a bot or the instances of one are told by their row; asks first where others are taken along. */
async function command(key, verb) {
  const entry = item(key);
  if (!entry || entry.busy.has(verb) || entry.parts.buttons[verb].hasAttribute('aria-disabled')) return;
  if (entry.members) return commandMany(entry.shown.map(({ bot }) => bot.name), verb, entry);
  entry.busy.add(verb);
  entry.error = null;
  paint(key);
  try {
    const others = verb === 'start' ? [] : await dependents([key]);
    if (others.length > 0 && !(await ask(verb, [key], others))) return;
    const { bot } = await inTurn(() => wire.post(route(key, verb), { wait: PATIENCE }));
    // The stream may already have told what happened after that.
    if (bot && bot.name === key && bots.has(key) && bot.since >= entry.bot.since) take(bot);
    say(`${key} ${DONE[verb]}`);
  } catch (error) {
    if (error.status === 401) logIn(error);
    else if (error.timeout) say(`${key}: ${verb} takes longer than ${PATIENCE} s`);
    else entry.error = error instanceof Refused ? error.message : `failed to ${verb} \`${key}\`: the monitor does not answer`;
  } finally {
    entry.busy.delete(verb);
    paint(key);
  }
}

/** What several bots are told at once, after a question. */
async function commandMany(names, verb, family = null) {
  if (names.length === 0) return;
  const others = verb === 'start' ? [] : await dependents(names);
  if (!(await ask(verb, names, others))) return;
  const entries = [family, ...names.map((name) => bots.get(name))].filter(Boolean);
  for (const entry of entries) {
    entry.busy.add(verb);
    entry.error = null;
    paint(entry.key);
  }
  const failures = [];
  try {
    for (let at = 0; at < names.length; at += MOST_NAMES) {
      const body = { do: verb, bots: names.slice(at, at + MOST_NAMES), wait: PATIENCE };
      failures.push(...(await inTurn(() => wire.post('command', body, { partly: true }))).failures ?? []);
    }
  } catch (error) {
    if (error.status === 401) return logIn(error);
    failures.push({ name: names[0], message: error instanceof Refused ? error.message : `failed to ${verb} them: the monitor does not answer` });
  } finally {
    for (const entry of entries) entry.busy.delete(verb);
  }
  const failed = failures.filter(({ timeout }) => !timeout);
  for (const { name, message } of failed) {
    if (bots.has(name)) bots.get(name).error = message;
  }
  if (family && failed.length > 0) family.error = failed[0].message;
  for (const entry of entries) paint(entry.key);
  const late = failures.length - failed.length;
  say([`${several(names.length - failures.length)} ${DONE[verb]}`, late > 0 && `${late} not yet`, failed.length > 0 && `${failed.length} failed`].filter(Boolean).join(', '));
}

const several = (number) => (number === 1 ? '1 bot' : `${grouped.format(number)} bots`);

/** The bots that run and are stopped or restarted along with these, because they depend on them. */
async function dependents(names) {
  const taken = new Set(names), asked = new Set(), found = [];
  const waiting = [...names];
  while (waiting.length > 0 && asked.size < MOST_ASKED) {
    const name = waiting.shift();
    // The instances of one bot have the same dependents.
    const family = bots.get(name)?.family?.key ?? name;
    if (asked.has(family)) continue;
    asked.add(family);
    const answer = await inTurn(() => wire.get(route(name, 'show'))).catch(() => ({}));
    for (const other of (answer.show?.dependents ?? []).flatMap((one) => named(String(one?.name ?? one)))) {
      if (taken.has(other)) continue;
      taken.add(other);
      waiting.push(other);
      if (!isDown(bots.get(other).bot)) found.push(other);
    }
  }
  return found;
}

/** The bots of a name: one, or the instances. */
const named = (name) => (bots.has(name) ? [name] : [...(families.get(`${name}:*`)?.members ?? [])].map(({ key }) => key));

const namesIn = (names) => names.slice(0, MOST_LISTED).join(', ') + (names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : '');

/** Asks whether it is meant so; resolves to the answer. */
function ask(verb, names, others) {
  const dialog = $('ask');
  if (dialog.open) return Promise.resolve(false);
  const title = verb[0].toUpperCase() + verb.slice(1);
  write($('ask-title'), names.length === 1 ? `${title} ${names[0]}?` : `${title} ${several(names.length)}?`);
  write($('ask-names'), names.length === 1 ? '' : namesIn(names));
  $('ask-others').hidden = others.length === 0;
  write($('ask-others'), others.length === 0 ? '' : `${several(others.length)} that ${others.length === 1 ? 'depends' : 'depend'} on this ${verb === 'stop' ? 'stop first' : 'restart as well'}: ${namesIn(others)}`);
  write($('ask-yes'), title);
  dialog.returnValue = '';
  dialog.showModal();
  $('ask-no').focus();
  return new Promise((answer) => dialog.addEventListener('close', () => answer(dialog.returnValue === 'yes'), { once: true }));
}

const sayings = { list: [], timer: 0, last: 0 };

/** Tells what happened, in the footer and to screen readers; many things at once become one. */
function say(text) {
  sayings.list.push(text);
  if (sayings.timer) return;
  sayings.timer = setTimeout(() => {
    sayings.timer = 0;
    const { list } = sayings;
    sayings.list = [];
    write($('say'), list.length <= 3 ? list.join(' · ') : `${list.at(-1)} · and ${list.length - 1} other changes`);
  }, 250);
}
