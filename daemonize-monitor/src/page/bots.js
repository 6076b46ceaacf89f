// What is known of the bots, and in which order they are shown. Nothing here touches the document.

/** From what needs a person to what needs nobody. */
const RANK = { 'gave-up': 0, 'backing-off': 1, suspended: 2, waiting: 3, starting: 4, stopping: 5, running: 6, exited: 7, stopped: 8, failed: 0 };
const PROBLEMS = new Set(['gave-up', 'failed', 'backing-off', 'suspended']);
const BUILT_IN = new Set(['exit', 'start', 'restart', 'kill']);

/** NAME → { bot, at: when it was heard (performance.now), place, busy: verbs under way, error, row } */
const bots = new Map();
/** Names of which a stream has told something newer than what is being loaded. */
const newer = new Set();
const monitor = { known: null, at: 0 };
const view = { show: 'all', filter: '', sort: 'state', down: false };
let places = 0;

const isProblem = (bot) => PROBLEMS.has(bot.state);
const isUp = (bot) => bot.state === 'running' || bot.state === 'exited';

/** Seconds that have gone by since an entry was heard of. */
const age = (at) => (performance.now() - at) / 1000;
const uptime = ({ bot, at }) => (bot.uptime === null || bot.uptime === undefined ? null : bot.uptime + age(at));
const nextStart = ({ bot, at }) => (bot.next_start === null || bot.next_start === undefined ? null : Math.max(0, bot.next_start - age(at)));

/** The event that a row has room for: the bot's own first one, else its restarts. */
function chief(events) {
  return events.find(({ name }) => !BUILT_IN.has(name)) || events.find(({ name }) => name === 'restart') || events[0];
}

/** Takes what was said of one bot; returns its entry and what its state was. */
function learn(bot) {
  let entry = bots.get(bot.name);
  const before = entry ? entry.bot.state : null;
  if (!entry) {
    entry = { place: places, busy: new Set(), error: null, row: null };
    places += 1;
    bots.set(bot.name, entry);
  }
  // A change of state need not bring what was measured or counted.
  const { cpu = null, memory: bytes = null, events = [], ...others } = bot;
  const old = entry.bot || {};
  entry.bot = { ...others, cpu, memory: bytes, events };
  if (bot.pid !== null && bot.pid === old.pid) {
    entry.bot.cpu = cpu ?? old.cpu;
    entry.bot.memory = bytes ?? old.memory;
  }
  if (events.length === 0 && old.events) entry.bot.events = old.events;
  entry.at = performance.now();
  return { entry, before };
}

/** Takes newer counts of some of a bot's events. */
function count(name, events) {
  const entry = bots.get(name);
  if (!entry) return false;
  const known = entry.bot.events;
  for (const event of events) {
    const index = known.findIndex((other) => other.name === event.name);
    if (index < 0) known.push(event);
    else known[index] = event;
  }
  return true;
}

function totals() {
  let up = 0, problems = 0;
  for (const { bot } of bots.values()) {
    if (isUp(bot)) up += 1;
    if (isProblem(bot)) problems += 1;
  }
  return { all: bots.size, up, down: bots.size - up, problems };
}

function isShown({ bot }) {
  if (view.show === 'up' && !isUp(bot)) return false;
  if (view.show === 'down' && isUp(bot)) return false;
  if (view.show === 'problems' && !isProblem(bot)) return false;
  const words = view.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${bot.name} ${bot.state} ${bot.pid ?? ''} ${bot.family ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

const KEYS = {
  state: ({ bot }) => RANK[bot.state] ?? 3,
  name: ({ bot }) => bot.name,
  pid: ({ bot }) => bot.pid,
  uptime: (entry) => uptime(entry),
  exits: ({ bot }) => bot.exits,
  cpu: ({ bot }) => bot.cpu,
  memory: ({ bot }) => bot.memory,
  events: ({ bot }) => chief(bot.events)?.hour,
};

/** Of these, the most is what one looks for. */
const MOST_FIRST = new Set(['exits', 'cpu', 'memory', 'events']);

/** The bots that are to be seen, in order; what has no value stands last, equals stay as they are configured. */
function ordered() {
  const key = KEYS[view.sort];
  const sign = view.down ? -1 : 1;
  const shown = [];
  for (const entry of bots.values()) {
    if (isShown(entry)) shown.push({ entry, value: key(entry) ?? null });
  }
  shown.sort((a, b) => {
    if (a.value !== b.value) {
      if (a.value === null) return 1;
      if (b.value === null) return -1;
      const order = typeof a.value === 'string' ? natural.compare(a.value, b.value) : a.value - b.value;
      if (order !== 0) return sign * order;
    }
    return a.entry.place - b.entry.place;
  });
  return shown.map(({ entry }) => entry);
}
