// What a person tells the monitor to do with a bot.

/** How long an answer is waited for; after that the state alone tells. */
const PATIENCE = 10;
/** A browser opens six connections at most, and the streams need theirs. */
const AT_ONCE = 3;
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

async function command(name, verb) {
  const entry = bots.get(name);
  if (!entry || entry.busy.has(verb) || entry.parts.buttons[verb].hasAttribute('aria-disabled')) return;
  entry.busy.add(verb);
  entry.error = null;
  paint(name);
  await takeTurn();
  try {
    const { bot } = await wire.post(`bots/${encodeURIComponent(name)}/${verb}`, { wait: PATIENCE });
    // The stream may already have told what happened after that.
    if (bot && bot.name === name && bots.has(name) && bot.since >= entry.bot.since) take(bot);
    say(`${name} ${DONE[verb]}`);
  } catch (error) {
    if (error.status === 401) logIn(error);
    else if (error.timeout) say(`${name}: ${verb} takes longer than ${PATIENCE} s`);
    else entry.error = error instanceof Refused ? error.message : `failed to ${verb} \`${name}\`: the monitor does not answer`;
  } finally {
    passTurn();
    entry.busy.delete(verb);
    paint(name);
  }
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
