// The table: rows are made once and changed in place, once per frame, and only where something is another.

const rows = $('rows');
const template = $('row').content.firstElementChild;
const phone = window.matchMedia('(max-width: 600px)');
/** Keys of entries whose rows are to be painted in the next frame. */
const dirty = new Set();
let current = null;
let frame = 0, settle = 0, orderIsOld = false;
/** Until when (performance.now) rows stay where they are, because somebody is about to use one. */
let still = 0;
/** The keys that have a row in the list. */
let listed = new Set();

/** Has a bot's row painted in the next frame, and that of its family. */
function paint(key) {
  dirty.add(key);
  if (!frame) frame = requestAnimationFrame(paintAll);
}

/** How many milliseconds of a frame go into rows; what is left over goes into the next one. */
const BUDGET = 12;

function paintAll() {
  frame = 0;
  const end = performance.now() + BUDGET;
  let made = false;
  const sums = new Set();
  for (const key of dirty) {
    dirty.delete(key);
    const entry = item(key);
    if (!entry) continue;
    if (entry.family && listed.has(entry.family.key)) sums.add(entry.family);
    // An instance that is folded away has no row.
    if (!listed.has(key) || (entry.members && entry.shown.length < 2)) continue;
    if (entry.members) sums.add(entry);
    else {
      made ||= !entry.row;
      paintRow(entry);
    }
    if (performance.now() > end) break;
  }
  for (const family of sums) {
    if (family.shown.length < 2) continue;
    made ||= !family.row;
    addUp(family);
    paintRow(family);
  }
  if (dirty.size > 0) frame = requestAnimationFrame(paintAll);
  if (made) sortRows();
  paintTotals();
  paintPanel();
}

function makeRow(entry) {
  const row = template.cloneNode(true);
  row.dataset.name = entry.key;
  const cells = {};
  for (const cell of row.querySelectorAll('[data-cell]')) cells[cell.dataset.cell] = cell;
  const label = row.querySelector('button.name');
  const buttons = {};
  for (const button of row.querySelectorAll('.actions button')) {
    const verb = button.dataset.do;
    buttons[verb] = button;
    button.title = `${button.textContent} (${{ start: 's', stop: 'x', restart: 'r', log: 'l' }[verb]})`;
  }
  row.classList.toggle('family', Boolean(entry.members));
  row.classList.toggle('member', Boolean(entry.family) && listed.has(entry.family.key));
  // The instances have logs; the family is unfolded to show them.
  if (entry.members) label.removeAttribute('aria-controls');
  entry.row = row;
  entry.parts = {
    cells, label, buttons, pick: row.querySelector('.pick input'), state: cells.state.firstElementChild,
    note: row.querySelector('.note'), brief: row.querySelector('.brief'), error: row.querySelector('.error'), tag: row.querySelector('.tag'),
    spark: row.querySelector('svg.spark'), path: row.querySelector('svg.spark path'), event: row.querySelector('.event'), hour: row.querySelector('.counted'),
  };
}

/** Writes a figure, or that there is none. */
function figure(cell, text) {
  write(cell, text || '–');
  cell.classList.toggle('none', !text);
}

/** `1/5`, as `daemonctl status` has it. */
const exitsOf = (bot) => (bot.limit ? `${bot.exits}/${bot.limit}` : String(bot.exits));

function paintRow(entry) {
  if (!entry.row) makeRow(entry);
  const { bot, row, parts } = entry;
  const { cells } = parts;
  if (row.dataset.state !== bot.state) {
    row.dataset.state = bot.state;
    parts.state.dataset.state = bot.state;
    row.classList.toggle('idle', bot.state === 'stopped' || bot.state === 'exited');
  }
  row.classList.toggle('problem', isProblem(bot));
  row.classList.toggle('down', !hasFigures(bot));
  paintName(entry);
  write(parts.state, bot.size ? `${bot.alike} ${bot.state}` : bot.state);
  figure(cells.pid, bot.pid ? String(bot.pid) : '');
  figure(cells.exits, bot.exits > 0 ? exitsOf(bot) : '');
  cells.exits.classList.toggle('many', bot.exits > 0);
  figure(cells.cpu, percent(bot.cpu));
  figure(cells.memory, memory(bot.memory));
  cells.memory.classList.toggle('many', nearsMemoryMax(bot));
  mark(cells.memory, 'title', bot.memory_max ? `of ${memory(bot.memory_max)}` : null);
  write(parts.error, entry.error || '');
  parts.error.hidden = !entry.error;
  paintPick(entry);
  paintEvents(bot.events, parts);
  paintButtons(entry);
  paintTimes(entry);
}

function paintName({ key, bot, parts, members }) {
  if (parts.label.said === bot.name) {
    if (members) mark(parts.label, 'aria-expanded', String(unfolded.has(key)));
    return;
  }
  write(parts.label, bot.name);
  mark(parts.label, 'title', bot.name);
  if (members) mark(parts.label, 'aria-expanded', String(unfolded.has(key)));
  mark(parts.pick, 'aria-label', `Select ${bot.name}`);
  for (const [verb, button] of Object.entries(parts.buttons)) mark(button, 'aria-label', `${button.textContent.trim()} ${bot.name}`, verb);
  write(parts.tag, bot.group ?? '');
  parts.tag.hidden = !bot.group;
}

function paintEvents(events, parts) {
  const event = chief(events);
  const said = event ? `${event.name} ${event.hour} ${event.minutes.join()} ${events.length}` : '';
  if (parts.saidOfEvents === said) return;
  parts.saidOfEvents = said;
  mark(parts.path, 'd', event ? spark(event.minutes) : '');
  mark(parts.spark, 'aria-label', event ? `${event.name} by minute: ${event.minutes.slice(-5).join(', ')} in the last five` : 'nothing counted');
  parts.spark.classList.toggle('none', !event);
  write(parts.event, event ? event.name : '');
  write(parts.hour, event && event.hour > 0 ? `${number(event.hour)}/h` : '');
  parts.cells.events.title = plain(events.filter(({ total }) => total > 0).map(({ name, total, hour: past }) => `${name}: ${grouped.format(total)}, past hour ${grouped.format(past)}`).join('\n'));
}

const isDown = (bot) => bot.state === 'stopped' || bot.state === 'exited' || bot.state === 'gave-up' || bot.state === 'failed';

function paintButtons(entry) {
  const { busy, parts } = entry;
  const all = botsOf(entry).map(({ bot }) => bot);
  const useless = {
    start: !all.some((bot) => isDown(bot) || bot.state === 'backing-off'),
    stop: all.every((bot) => isDown(bot) && bot.state !== 'gave-up'),
    restart: false,
  };
  for (const verb of ['start', 'stop', 'restart']) {
    const button = parts.buttons[verb];
    mark(button, 'aria-busy', busy.has(verb) ? 'true' : null);
    mark(button, 'aria-disabled', useless[verb] && !busy.has(verb) ? 'true' : null);
  }
}

/** What changes by itself: the uptime, and when it is started again. */
function paintTimes(entry) {
  const { bot, parts } = entry;
  const up = duration(uptime(entry));
  figure(parts.cells.uptime, up);
  const note = why(entry);
  write(parts.cells.why, note);
  write(parts.note, note);
  if (parts.note.hidden !== !note) {
    parts.note.hidden = !note;
    entry.row.classList.toggle('noted', Boolean(note));
  }
  write(parts.brief, phone.matches ? brief(entry, up) : '');
}

/** What a card has in place of the columns: the exits first, which are cut off last. */
function brief({ bot }, up) {
  const event = chief(bot.events);
  const figures = hasFigures(bot) ? [up && `up ${up}`, percent(bot.cpu), memory(bot.memory)] : [];
  const exits = bot.exits > 0 && `${exitsOf(bot)} ${bot.exits === 1 && !bot.limit ? 'exit' : 'exits'}`;
  return [exits, ...figures, event?.hour > 0 && `${event.name} ${number(event.hour)}/h`].filter(Boolean).join(' · ');
}

function tick() {
  for (const key of listed) {
    const entry = item(key);
    if (entry?.row?.isConnected) paintTimes(entry);
  }
  paintFacts();
}
phone.addEventListener('change', tick);

function paintTotals() {
  const sums = totals();
  for (const chip of document.querySelectorAll('.chips button')) {
    write(chip.querySelector('b'), number(sums[chip.dataset.show]));
    chip.classList.toggle('some', sums[chip.dataset.show] > 0);
  }
}

/** A column is there if it says something of a bot that is shown. */
function paintColumns(shown) {
  const some = { figures: false, cpu: false, memory: false, exits: false, events: false };
  for (const { bot } of shown) {
    some.figures ||= hasFigures(bot);
    some.cpu ||= (bot.cpu ?? null) !== null;
    some.memory ||= (bot.memory ?? null) !== null;
    some.exits ||= bot.exits > 0;
    some.events ||= Boolean(chief(bot.events));
  }
  const table = rows.parentElement;
  for (const [column, is] of Object.entries(some)) table.classList.toggle(`no-${column}`, !is);
}

/** Sorts soon: at once where `now`, else when nobody is about to press a button that would move away. */
function reorder(now = false) {
  orderIsOld = true;
  if (now) still = 0;
  if (settle && !now) return;
  clearTimeout(settle);
  settle = setTimeout(() => {
    settle = 0;
    if (!orderIsOld) return;
    if (performance.now() < still) {
      setTimeout(reorder, 300);
      return;
    }
    sortRows();
  }, now || rows.childElementCount === 0 ? 0 : 600);
}

function sortRows() {
  orderIsOld = false;
  const entries = ordered();
  const before = listed;
  listed = new Set(entries.map(({ key }) => key));
  for (const entry of entries) {
    // Bots without a row get one in a later frame, and the list is sorted again then.
    if (!entry.row || !before.has(entry.key) || entry.members) paint(entry.key);
    else entry.row.classList.toggle('member', Boolean(entry.family) && listed.has(entry.family.key));
  }
  paintColumns(entries);
  const shown = entries.filter(({ row }) => row);
  const focused = document.activeElement;
  const wanted = new Set();
  for (const entry of shown) wanted.add(entry.row);
  for (const row of [...rows.children]) {
    if (!wanted.has(row)) row.remove();
  }
  let place = rows.firstElementChild;
  for (const { row } of shown) {
    if (row === place) {
      place = place.nextElementSibling;
    } else if (place && place.nextElementSibling === row) {
      // The one that stands in the way is the one that moves; it finds its own place.
      place.remove();
      place = row.nextElementSibling;
    } else {
      rows.insertBefore(row, place);
    }
  }
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  const empty = entries.length === 0;
  $('empty').hidden = !empty;
  if (empty) write($('empty'), bots.size === 0 ? `This monitor has no bots yet.${monitor.known?.config ? ' Add them to its configuration, and run `daemonctl reload`.' : ''}` : 'No bot matches.');
  paintBulk();
}

/** Gives each instance of a family a row of its own, or takes these away; remembers it. */
function fold(key, open = !unfolded.has(key)) {
  if (open) unfolded.add(key);
  else unfolded.delete(key);
  keep('localStorage', 'unfolded', JSON.stringify([...unfolded].slice(-MOST_UNFOLDED)));
  paint(key);
  reorder(true);
}

/** Makes an entry the current one; the panel, where it is open, follows. */
function choose(key, { focus = false } = {}) {
  if (current !== key) {
    item(current)?.row?.classList.remove('current');
    current = key;
    item(key)?.row?.classList.add('current');
    if (!$('panel').hidden && bots.has(key)) followPanel(key);
  }
  const row = item(key)?.row;
  if (focus && row) {
    row.scrollIntoView({ block: 'nearest' });
    if (!$('panel').contains(document.activeElement)) row.focus({ preventScroll: true });
  }
}

function move(step) {
  const all = [...rows.children];
  if (all.length === 0) return;
  const now = all.findIndex((row) => row.dataset.name === current);
  const next = now < 0 ? (step < 0 ? all.length - 1 : 0) : Math.min(all.length - 1, Math.max(0, now + step));
  choose(all[next].dataset.name, { focus: true });
}

function forget(name) {
  const entry = unlearn(name);
  if (!entry) return;
  entry.row?.remove();
  selected.delete(name);
  if (current === name) {
    current = null;
    closePanel();
  }
  reorder();
}
