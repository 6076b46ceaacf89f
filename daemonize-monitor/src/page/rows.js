// The table: rows are made once and changed in place, once per frame, and only where something is another.

const rows = $('rows');
const template = $('row').content.firstElementChild;
/** Names whose rows are to be painted in the next frame. */
const dirty = new Set();
let current = null;
let frame = 0, settle = 0, orderIsOld = false;
/** Until when (performance.now) rows stay where they are, because somebody is about to use one. */
let still = 0;

/** Has a bot's row painted in the next frame. */
function paint(name) {
  dirty.add(name);
  if (!frame) frame = requestAnimationFrame(paintAll);
}

/** How many milliseconds of a frame go into rows; what is left over goes into the next one. */
const BUDGET = 12;

function paintAll() {
  frame = 0;
  const end = performance.now() + BUDGET;
  let made = false;
  for (const name of dirty) {
    dirty.delete(name);
    const entry = bots.get(name);
    if (!entry) continue;
    made ||= !entry.row;
    paintRow(entry);
    if (performance.now() > end) break;
  }
  if (dirty.size > 0) frame = requestAnimationFrame(paintAll);
  if (made) sortRows();
  paintTotals();
  paintPanel();
}

function makeRow(entry) {
  const row = template.cloneNode(true);
  const { name } = entry.bot;
  row.dataset.name = name;
  const [state, pid, up, exits, cpu, bytes, events] = row.querySelectorAll('td');
  const label = row.querySelector('button.name');
  label.textContent = plain(name);
  label.title = plain(name);
  const buttons = {};
  for (const button of row.querySelectorAll('.actions button')) {
    const verb = button.dataset.do;
    buttons[verb] = button;
    button.title = `${button.textContent} (${{ start: 's', stop: 'x', restart: 'r', log: 'l' }[verb]})`;
    mark(button, 'aria-label', `${button.textContent} ${name}`);
  }
  entry.row = row;
  entry.parts = {
    state: state.firstElementChild, pid, up, exits, cpu, bytes, label, buttons,
    note: row.querySelector('.note'), error: row.querySelector('.error'),
    spark: events.querySelector('svg'), path: events.querySelector('path'), event: events.querySelector('.event'),
    hour: events.querySelector('.counted b'), total: events.querySelector('.counted span'), events,
  };
}

function paintRow(entry) {
  if (!entry.row) makeRow(entry);
  const { bot, row, parts } = entry;
  if (row.dataset.state !== bot.state) {
    row.dataset.state = bot.state;
    parts.state.dataset.state = bot.state;
    write(parts.state, bot.state);
    row.classList.toggle('problem', isProblem(bot));
    row.classList.toggle('idle', bot.state === 'stopped' || bot.state === 'exited');
  }
  write(parts.pid, bot.pid === null ? '–' : String(bot.pid));
  write(parts.exits, bot.limit ? `${bot.exits} / ${bot.limit}` : String(bot.exits));
  parts.exits.classList.toggle('many', bot.exits > 0);
  write(parts.cpu, percent(bot.cpu) || '–');
  write(parts.bytes, memory(bot.memory) || '–');
  write(parts.error, entry.error || '');
  parts.error.hidden = !entry.error;
  paintEvents(bot.events, parts);
  paintButtons(entry);
  paintTimes(entry);
}

function paintEvents(events, parts) {
  const event = chief(events);
  const said = event ? `${event.name} ${event.total} ${event.hour} ${event.minutes.join()} ${events.length}` : '';
  if (parts.saidOfEvents === said) return;
  parts.saidOfEvents = said;
  mark(parts.path, 'd', event ? spark(event.minutes) : '');
  mark(parts.spark, 'aria-label', event ? `${event.name} by minute: ${event.minutes.slice(-5).join(', ')} in the last five` : 'nothing counted');
  write(parts.event, event ? event.name : '');
  write(parts.hour, number(event ? event.hour : 0));
  write(parts.total, event ? number(event.total) : '');
  parts.events.title = plain(events.map(({ name, total, hour: past }) => `${name}: ${grouped.format(total)}, past hour ${grouped.format(past)}`).join('\n'));
}

function paintButtons({ bot, busy, parts }) {
  const none = bot.state === 'stopped' || bot.state === 'exited' || bot.state === 'gave-up' || bot.state === 'failed';
  const useless = {
    start: !none && bot.state !== 'backing-off',
    stop: bot.state === 'stopped' || bot.state === 'exited' || bot.state === 'failed',
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
  write(parts.up, duration(uptime(entry)) || '–');
  let note = '';
  if (isProblem(bot) || bot.state === 'waiting' || bot.state === 'exited') {
    note = [bot.reason || bot.last_exit, bot.state === 'backing-off' && nextStart(entry) !== null && `again in ${duration(Math.ceil(nextStart(entry)))}`]
      .filter(Boolean).join(' · ');
  }
  write(parts.note, note);
  if (parts.note.hidden !== !note) parts.note.hidden = !note;
}

function tick() {
  for (const entry of bots.values()) {
    if (entry.row && entry.row.isConnected) paintTimes(entry);
  }
  paintFacts();
}

function paintTotals() {
  const sums = totals();
  for (const chip of document.querySelectorAll('.chips button')) {
    write(chip.querySelector('b'), number(sums[chip.dataset.show]));
    chip.classList.toggle('some', sums[chip.dataset.show] > 0);
  }
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
  // Those without a row get one in a later frame, and the list is sorted again then.
  const shown = ordered().filter(({ row }) => row);
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
  const empty = shown.length === 0;
  $('empty').hidden = !empty;
  if (empty) write($('empty'), bots.size === 0 ? 'This monitor has no bots yet.' : 'No bot matches.');
}

/** Makes a bot the current one; the panel, where it is open, follows. */
function choose(name, { focus = false } = {}) {
  if (current !== name) {
    bots.get(current)?.row?.classList.remove('current');
    current = name;
    bots.get(name)?.row?.classList.add('current');
    if (!$('panel').hidden) followPanel(name);
  }
  const row = bots.get(name)?.row;
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
  const entry = bots.get(name);
  if (!entry) return;
  entry.row?.remove();
  bots.delete(name);
  if (current === name) {
    current = null;
    closePanel();
  }
  reorder();
}
