// Sends the commands of a person for a bot, or for several.

/** How long an answer is waited for; after that the state alone tells. */
const PATIENCE = 10;
/** A browser opens six connections at most, and the streams need theirs. */
const AT_ONCE = 3;
/** How many names one request and one question have. */
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
    const others = await alongside([key], verb);
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
  try {
    if (!(await ask(verb, names, await alongside(names, verb)))) return;
  } catch (error) {
    return logIn(error);
  }
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

/** The bots that are stopped or restarted along with these, because they depend on them; an older monitor does not tell. */
async function alongside(names, verb) {
  const meant = new Set(names), others = new Set();
  for (let at = 0; at < names.length; at += MOST_NAMES) {
    const body = { do: verb, bots: names.slice(at, at + MOST_NAMES) };
    const { also = [] } = await inTurn(() => wire.post('command/plan', body, { partly: true })).catch((error) => (error.status === 401 ? Promise.reject(error) : {}));
    for (const name of also) if (!meant.has(name)) others.add(name);
  }
  return [...others];
}

const OTHERS = { start: 'Also starts, because they are needed,', stop: 'Also stops, because they depend on this,', restart: 'Also restarts, because they depend on this,' };

const namesIn = (names) => names.slice(0, MOST_LISTED).join(', ') + (names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : '');

/** Asks whether it is meant so; resolves to the answer. */
function ask(verb, names, others) {
  const dialog = $('ask');
  if (dialog.open) return Promise.resolve(false);
  const title = verb[0].toUpperCase() + verb.slice(1);
  write($('ask-title'), names.length === 1 ? `${title} ${names[0]}?` : `${title} ${several(names.length)}?`);
  write($('ask-names'), names.length === 1 ? '' : namesIn(names));
  $('ask-others').hidden = others.length === 0;
  write($('ask-others'), others.length === 0 ? '' : `${OTHERS[verb]} ${several(others.length)}: ${namesIn(others)}`);
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
