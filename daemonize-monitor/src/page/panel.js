// The last lines of a bot's log, followed live, beside its counts and what else is known of it.

const LINES = 200;
const MOST_LINES = 2000;
/** At most this many windows of one browser follow a log at a time. */
const MOST_LOGS = 3;
const phone = window.matchMedia('(max-width: 600px)');
let followed = null, opener = null;
let reading = new AbortController();
let unread = [], logFrame = 0;

function openPanel(name, { focus = true } = {}) {
  opener = document.activeElement;
  $('panel').hidden = false;
  choose(name);
  followPanel(name);
  coverPhone();
  bots.get(name)?.row.scrollIntoView({ block: 'nearest' });
  if (focus) $('log').focus({ preventScroll: true });
}

function closePanel() {
  if ($('panel').hidden) return;
  const inside = $('panel').contains(document.activeElement);
  reading.abort();
  $('panel').hidden = true;
  mark(bots.get(followed)?.parts.label ?? document.body, 'aria-expanded', bots.has(followed) ? 'false' : null);
  followed = null;
  coverPhone();
  if (!inside) return;
  const back = bots.get(current)?.row;
  if (opener?.isConnected && back?.contains(opener)) opener.focus({ preventScroll: true });
  else back?.focus({ preventScroll: true });
}

/** On a phone the panel covers everything, which then must not be reached. */
function coverPhone() {
  const covered = phone.matches && !$('panel').hidden;
  for (const part of [document.querySelector('header'), document.querySelector('.tools'), $('list')]) part.inert = covered;
}
phone.addEventListener('change', coverPhone);

const followSoon = { timer: 0 };

/** Shows another bot; whoever runs through the list asks only for the log at which they stop. */
function followPanel(name) {
  if (followed !== null) mark(bots.get(followed)?.parts?.label ?? document.body, 'aria-expanded', bots.has(followed) ? 'false' : null);
  const first = followed === null;
  followed = name;
  mark(bots.get(name)?.parts?.label ?? document.body, 'aria-expanded', bots.has(name) ? 'true' : null);
  write($('panel-name'), name);
  paintPanel();
  reading.abort();
  clearTimeout(followSoon.timer);
  followSoon.timer = setTimeout(readLog, first ? 0 : 150);
}

function readLog() {
  const name = followed;
  if (name === null) return;
  reading.abort();
  reading = new AbortController();
  const { signal } = reading;
  unread = [];
  const log = $('log');
  log.replaceChildren(element('div', 'Reading …', 'aside'));
  const stream = document.querySelector('#panel-stream :checked').value;
  let refused = false;
  const follow = () => wire.follow(`bots/${encodeURIComponent(name)}/log?follow=1&lines=${LINES}&stream=${stream}`, {
    signal,
    opened: () => {
      unread = [];
      log.replaceChildren(element('div', 'Nothing printed yet.', 'aside'));
    },
    heard: (event, line) => {
      if (event === 'line' && !signal.aborted) addLine(String(line));
      if (event === 'lagged') addLine(null);
    },
    lost: (error) => {
      if (!(error instanceof Refused)) return true;
      if (error.status === 401) return logIn(error);
      if (!refused) log.replaceChildren(element('div', error.message, 'aside'));
      refused = true;
      return error.status >= 500;
    },
  });
  const wait = () => log.replaceChildren(element('div', `${MOST_LOGS} other windows show logs: close one of these.`, 'aside'));
  takeSlot(MOST_LOGS, signal, follow, wait);
}

/** A window behind others gives its connection to one that waits, and reads again when it is seen. */
slots?.addEventListener('message', () => { if (document.hidden) reading.abort(); });
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && followed !== null && reading.signal.aborted) readLog();
});

/** Adds a line in the next frame; `null` where some were left out. */
function addLine(line) {
  unread.push(line);
  if (unread.length > MOST_LINES) unread.splice(0, unread.length - MOST_LINES);
  if (!logFrame) logFrame = requestAnimationFrame(addLines);
}

function addLines() {
  logFrame = 0;
  const log = $('log');
  if (unread.length === 0) return;
  const atEnd = isAtEnd();
  if (log.firstElementChild?.className === 'aside' && log.childElementCount === 1) log.replaceChildren();
  log.append(...unread.map((line) => (line === null ? element('div', 'Some lines were left out here.', 'aside') : element('div', line.replace(escapes, '')))));
  unread = [];
  for (let many = log.childElementCount - MOST_LINES; many > 0; many -= 1) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
  showLogEnd();
}

const isAtEnd = () => $('log').scrollHeight - $('log').scrollTop - $('log').clientHeight < 30;
const showLogEnd = () => { $('log-end').hidden = isAtEnd(); };

function paintPanel() {
  const entry = bots.get(followed);
  if (!entry || $('panel').hidden) return;
  const { bot } = entry;
  const state = $('panel-state');
  state.dataset.state = bot.state;
  write(state, bot.state);
  const known = [
    ['Pid', bot.pid],
    ['Last end', bot.last_exit],
    ['Reason', bot.reason],
    ['Exits', `${bot.exits} in ${duration(bot.window)}${bot.limit ? `, ${bot.limit} allowed` : ''}`],
    ['Since', bot.since ? new Date(bot.since * 1000).toLocaleString() : null],
    ['Lost output', bot.dropped ? memory(bot.dropped) : null],
    ['Starts', bot.autostart ? 'with the monitor' : 'when told'],
    ['Configured', bot.configured === false ? 'no, added by hand' : null],
  ].filter(([, value]) => value !== null && value !== undefined && value !== '');
  const said = JSON.stringify([known, bot.events]);
  if (state.saidOfBot === said) return;
  state.saidOfBot = said;
  $('facts-of-bot').replaceChildren(...known.flatMap(([name, value]) => [element('dt', name), element('dd', String(value))]));
  $('counts').tBodies[0].replaceChildren(...bot.events.map((event) => {
    const row = element('tr');
    const cell = element('td');
    cell.append(sparkline(event.minutes));
    row.append(element('td', event.name), element('td', number(event.total)), element('td', number(event.hour)), cell);
    return row;
  }));
}

$('log').addEventListener('scroll', showLogEnd, { passive: true });
$('log-end').addEventListener('click', () => {
  $('log').scrollTop = $('log').scrollHeight;
  $('log').focus({ preventScroll: true });
});
$('panel-close').addEventListener('click', closePanel);
$('panel-stream').addEventListener('change', readLog);
