// What is known of the bots, and in which order they are shown. Nothing here touches the document.

/** From what needs a person to what needs nobody. */
const RANK = { 'gave-up': 0, failed: 0, 'backing-off': 1, suspended: 2, waiting: 3, starting: 4, stopping: 5, running: 6, exited: 7, stopped: 8 };
const PROBLEMS = new Set(['gave-up', 'failed', 'backing-off', 'suspended']);
const BUILT_IN = new Set(['exit', 'start', 'restart', 'kill']);

/** NAME → { key, bot, at: when it was heard (performance.now), place, busy: verbs under way, error, row, parts } */
const bots = new Map();
/** `web:*` → the same for the instances of one bot, with `members` and, of these, those that are `shown`; `bot` is their sum. */
const families = new Map();
/** Names of which a stream has told something newer than what is being loaded. */
const newer = new Set();
const monitor = { known: null, at: 0 };
const view = { show: 'all', filter: '', group: '', sort: 'state', down: false };
/** Families of which each instance has a row of its own, as this browser remembers. */
const unfolded = new Set(keptList('unfolded'));
const MOST_UNFOLDED = 100;
let places = 0;

const item = (key) => bots.get(key) ?? families.get(key);
const isSick = (bot) => bot.health === 'failing';
const isProblem = (bot) => PROBLEMS.has(bot.state) || isSick(bot);
const isUp = (bot) => bot.state === 'running' || bot.state === 'exited';
/** Whether there is a process that takes time and memory. */
const hasFigures = (bot) => bot.state === 'running' || (bot.pid ?? null) !== null;

const nearsMemoryMax = (bot) => bot.memory_max > 0 && bot.memory > bot.memory_max * 0.9;

/** Seconds that have gone by since an entry was heard of. */
const age = (at) => (performance.now() - at) / 1000;
const uptime = ({ bot, at }) => ((bot.uptime ?? null) === null ? null : bot.uptime + age(at));
/** Seconds until a time that the monitor told as such, or as seconds since 1970. */
const until = (time, at) => ((time ?? null) === null ? null : Math.max(0, time > 1e9 ? time - Date.now() / 1000 : time - age(at)));
const nextStart = ({ bot, at }) => until(bot.next_start, at);
const nextRun = ({ bot, at }) => until(bot.next_run, at);

/** The event that a row has room for: the first one that the bot itself reports. */
const chief = (events) => events.find(({ name }) => !BUILT_IN.has(name));

/** How much a state of bots needs a person; one that this page does not know is neither a problem nor well. */
const rank = (state) => RANK[state] ?? 3;

/** What a state says where the monitor gives no reason. */
const WORDS = { starting: 'not ready yet', stopping: 'is being stopped', waiting: 'waits for a bot that it depends on', suspended: 'suspended by a signal', stopped: 'stopped' };

const UNTOLD = 'starts when told';

/** Why a bot is not up, and what comes next; empty where all is well. */
function why(entry) {
  const { bot, members } = entry;
  if (members) return whyOfFamily(entry);
  const parts = [bot.reason];
  const ended = bot.state === 'gave-up' || bot.state === 'failed' || bot.state === 'backing-off' || bot.state === 'exited';
  if (ended && !bot.reason) parts.push(bot.last_exit);
  if (!bot.reason && !ended) parts.push(bot.state === 'stopped' && bot.autostart === false && !bot.last_exit ? UNTOLD : WORDS[bot.state] ?? (hasFigures(bot) ? null : bot.state));
  if (nextStart(entry) !== null) parts.push(`again in ${nextStart(entry) < 1 ? 'less than 1s' : duration(nextStart(entry))}`);
  else if (!hasFigures(bot) && bot.since && bot.state !== 'waiting' && !parts.includes(UNTOLD)) parts.push(`${duration(Date.now() / 1000 - bot.since)} ago`);
  if (nearsMemoryMax(bot)) parts.push(`memory ${memory(bot.memory)} of ${memory(bot.memory_max)}`);
  if (nextRun(entry) !== null) {
    if (hasFigures(bot) && bot.last_exit) parts.push(`last run: ${bot.last_exit}`);
    parts.push(`next run in ${duration(nextRun(entry))}`);
  }
  if (isSick(bot) && !bot.reason) parts.push(`failed its check${bot.last_check?.reason ? `: ${bot.last_check.reason}` : ''}`);
  return parts.filter(Boolean).join(' · ');
}

/** The reason of the worst instance, and how many others are not up. */
function whyOfFamily({ shown }) {
  const down = shown.filter(({ bot }) => !isUp(bot) || isSick(bot));
  if (down.length === 0) return '';
  const worst = down.reduce((one, other) => (rank(other.bot.state) < rank(one.bot.state) ? other : one));
  const rest = down.length > 1 ? ` · and ${down.length - 1} more` : '';
  return `${worst.bot.name}: ${why(worst) || worst.bot.state}${rest}`;
}

/** Takes what was said of one bot; returns its entry and what its state was. */
function learn(bot) {
  let entry = bots.get(bot.name);
  const before = entry ? entry.bot.state : null;
  if (!entry) {
    entry = { key: bot.name, place: places, busy: new Set(), error: null, row: null, family: null };
    places += 1;
    bots.set(bot.name, entry);
    if (bot.family && bot.family !== bot.name) joinFamily(entry, bot.family);
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

function joinFamily(entry, name) {
  const key = `${name}:*`;
  let family = families.get(key);
  if (!family) {
    family = { key, name, members: new Set(), shown: [], bot: null, place: entry.place, busy: new Set(), error: null, row: null };
    families.set(key, family);
  }
  family.members.add(entry);
  entry.family = family;
}

/** Takes a bot out of what is known; returns its entry. */
function unlearn(name) {
  const entry = bots.get(name);
  bots.delete(name);
  entry?.family?.members.delete(entry);
  if (entry?.family?.members.size === 0) families.delete(entry.family.key);
  return entry;
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

/** The groups that bots are in, by name. */
const groups = () => [...new Set([...bots.values()].map(({ bot }) => bot.group).filter(Boolean))].sort(natural.compare);

const isFiltered = () => view.show !== 'all' || view.group !== '' || view.filter.trim() !== '';

function isShown({ bot }, words) {
  if (view.show === 'up' && !isUp(bot)) return false;
  if (view.show === 'down' && isUp(bot)) return false;
  if (view.show === 'problems' && !isProblem(bot)) return false;
  if (view.group && bot.group !== view.group) return false;
  if (words.length === 0) return true;
  const text = `${bot.name} ${bot.state} ${bot.pid ?? ''} ${bot.group ?? ''} ${bot.reason ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

const sum = (values) => values.reduce((all, value) => ((value ?? null) === null ? all : (all ?? 0) + value), null);
const least = (values) => values.reduce((one, value) => ((value ?? null) === null || (one !== null && one <= value) ? one : value), null);

/** `web:1…8` where none is missing, else `web (5)`. */
function familyLabel(name, shown) {
  const numbers = shown.map(({ bot }) => Number(bot.name.slice(name.length + 1))).sort((a, b) => a - b);
  const whole = numbers.every((number, at) => number === numbers[0] + at);
  return whole ? `${name}:${numbers[0]}…${numbers.at(-1)}` : `${name} (${shown.length})`;
}

/** One bot made of several: the sums, and the worst state. */
function addUp(family) {
  const { name, shown } = family;
  const many = shown.map(({ bot }) => bot);
  const state = many.reduce((worst, bot) => (rank(bot.state) < rank(worst) ? bot.state : worst), 'stopped');
  const events = new Map();
  for (const event of many.flatMap((bot) => bot.events.filter((one) => !BUILT_IN.has(one.name)))) {
    const known = events.get(event.name);
    if (!known) events.set(event.name, { ...event, minutes: [...event.minutes] });
    else {
      known.total += event.total;
      known.hour += event.hour;
      event.minutes.forEach((minute, at) => { known.minutes[at] += minute; });
    }
  }
  family.at = performance.now();
  family.bot = {
    name: familyLabel(name, shown), state, size: shown.length, alike: many.filter((bot) => bot.state === state).length,
    pid: many.some(hasFigures) ? 0 : null, uptime: least(shown.map(uptime)), exits: sum(many.map(({ exits }) => exits)), limit: 0,
    cpu: sum(many.map(({ cpu }) => cpu)), memory: sum(many.map((bot) => bot.memory)), memory_max: sum(many.map((bot) => bot.memory_max)),
    health: many.some(isSick) ? 'failing' : null, group: many[0].group, events: [...events.values()],
  };
}

const SORT_KEYS = {
  state: ({ bot }) => (isSick(bot) ? 0.5 : rank(bot.state)),
  name: ({ bot }) => bot.name,
  pid: ({ bot }) => bot.pid || null,
  uptime: (entry) => uptime(entry),
  exits: ({ bot }) => bot.exits,
  cpu: ({ bot }) => bot.cpu,
  memory: ({ bot }) => bot.memory,
  events: ({ bot }) => chief(bot.events)?.hour,
};

/** Of these, the most is what one looks for. */
const MOST_FIRST = new Set(['exits', 'cpu', 'memory', 'events']);

/** The entries in order; what has no value stands last, equals stay as they are configured. */
function inOrder(entries) {
  const value = SORT_KEYS[view.sort], sign = view.down ? -1 : 1;
  const valued = entries.map((entry) => ({ entry, value: value(entry) ?? null }));
  valued.sort((a, b) => {
    if (a.value !== b.value) {
      if (a.value === null) return 1;
      if (b.value === null) return -1;
      const order = typeof a.value === 'string' ? natural.compare(a.value, b.value) : a.value - b.value;
      if (order !== 0) return sign * order;
    }
    return a.entry.place - b.entry.place;
  });
  return valued.map(({ entry }) => entry);
}

/** All bots that the filter lets through, folded or not. */
function filtered() {
  const words = view.filter.toLowerCase().split(/\s+/).filter(Boolean);
  return [...bots.values()].filter((entry) => isShown(entry, words));
}

/** What has a row: bots, families of at least two, and below one that is unfolded its instances. */
function ordered() {
  for (const family of families.values()) family.shown = [];
  const single = [], folding = [];
  for (const entry of filtered()) {
    if (entry.family && entry.family.members.size > 1) entry.family.shown.push(entry);
    else single.push(entry);
  }
  for (const family of families.values()) {
    if (family.shown.length > 1) folding.push(family);
    else single.push(...family.shown);
  }
  folding.forEach(addUp);
  return inOrder([...single, ...folding]).flatMap((entry) => (entry.members && unfolded.has(entry.key) ? [entry, ...inOrder(entry.shown)] : [entry]));
}

/** The bots of an entry: itself, or the instances that are shown. */
const botsOf = (entry) => (entry.members ? entry.shown : [entry]);
