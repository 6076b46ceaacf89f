// The last lines of a bot's log, followed live: with their times, the ends of runs and the colours of a terminal.

const LINES = 500;
const MOST_LINES = 2000;
const MOST_DOWNLOADED = 10000;
const MOST_MARKED = 5000;
/** At most this many windows of one browser follow a log at a time. */
const MOST_LOGS = 3;
let reading = new AbortController();
let unread = [], logFrame = 0;
/** The run of the line before, and what the lines are searched for. */
let lastRun = null, sought = '';
/** Whether the lines are those that the monitor has found in the whole log; they are not followed. */
let whole = false;
/** The longest text that the monitor is asked for. */
const LONGEST_TEXT = 200;
const LONGEST_PATTERN = 1000;

function stopLog() {
  reading.abort();
}

const streamOf = () => document.querySelector('#panel-stream :checked').value;

function readLog() {
  const name = followed;
  if (name === null) return;
  whole = false;
  const signal = readAnew('Reading …');
  let refused = false;
  const follow = () => wire.follow(route(name, `log?follow=1&entries=1&lines=${LINES}&stream=${streamOf()}`), {
    signal,
    opened: () => {
      unread = [];
      aside('Nothing printed yet.');
    },
    heard: (event, data) => {
      if (signal.aborted) return;
      if (event === 'line' || event === 'entry') addLine(typeof data === 'object' && data !== null ? data : { text: String(data) });
      if (event === 'run') addLine({ ended: data });
      if (event === 'lagged') addLine(null);
    },
    lost: (error) => {
      if (!(error instanceof Refused)) return true;
      if (error.status === 401) return logIn(error);
      if (!refused) aside(error.message);
      refused = true;
      return error.status >= 500;
    },
  });
  takeSlot(MOST_LOGS, signal, follow, () => aside(`${MOST_LOGS} other windows show logs: close one of these.`));
}

/** Ends what is read of a log, and says so in place of the lines. */
function readAnew(text) {
  reading.abort();
  reading = new AbortController();
  unread = [];
  aside(text);
  return reading.signal;
}

/** A pattern for a text as it is, in any case; between its words may be colours of a terminal. */
function patternOf(text) {
  const words = (text.match(/[\p{L}\p{N}_]+|[^]/gu) ?? []).map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const coloured = `(?i)${words.join('(?:\\x1b\\[[0-9;:]*m)*')}`;
  return new TextEncoder().encode(coloured).length <= LONGEST_PATTERN ? coloured : `(?i)${words.join('')}`;
}

/** Asks the monitor for the lines with what is searched for, also in what the window has not loaded. */
async function searchWhole() {
  const name = followed;
  if (name === null || sought === '') return;
  whole = true;
  const signal = readAnew('Searching the whole log …');
  const text = [...$('log-search').value.trim()].slice(0, LONGEST_TEXT).join('');
  try {
    const answer = await wire.get(route(name, `log?lines=${MOST_LINES}&stream=${streamOf()}&grep=${encodeURIComponent(patternOf(text))}`), signal);
    if (signal.aborted) return;
    showFound(answer);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) return logIn(error);
    const why = error instanceof Refused ? error.message : 'the monitor does not answer';
    aside(why);
    say(`${name}: failed to search the log: ${why}`);
  }
}

/** Shows the answer of a search, and what it does not cover. */
function showFound({ entries = [], truncated, skipped = [] }) {
  const most = entries.length >= MOST_LINES ? `Only the newest ${grouped.format(MOST_LINES)} lines that were found are shown.` : '';
  const left = truncated === 'time' ? 'The search took too long: older lines were not searched.' : truncated ? 'Only the newest part of the log was searched: it is large.' : '';
  const notes = [most || left, ...skipped.map((file) => `Not searched: ${plain(file)}`)].filter(Boolean);
  lastRun = null;
  $('log').replaceChildren(...notes.map((note) => element('div', note, 'aside')), ...entries.flatMap(lineNodes));
  if (entries.length === 0) $('log').append(element('div', 'Nothing found in the whole log.', 'aside'));
  paintFound(notes);
  $('log').scrollTop = $('log').scrollHeight;
  showLogEnd();
}

/** Says something in place of the lines. */
function aside(text) {
  lastRun = null;
  $('log').replaceChildren(element('div', text, 'aside'));
  paintFound();
}

/** A window behind others gives its connection to one that waits, and reads again when it is seen. */
slots?.addEventListener('message', () => { if (document.hidden) reading.abort(); });
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && followed !== null && reading.signal.aborted) readAgain();
});

/** Reads the log as it was read. */
function readAgain() {
  if (whole) searchWhole();
  else readLog();
}

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
  log.append(...unread.flatMap(lineNodes));
  unread = [];
  for (let many = log.childElementCount - MOST_LINES; many > 0; many -= 1) log.firstElementChild.remove();
  paintFound();
  if (atEnd) log.scrollTop = log.scrollHeight;
  showLogEnd();
}

/** One line, or the end of a run; before the first line of another run, that it begins, unless the end was told. */
function lineNodes(line) {
  if (line === null) return [element('div', 'Some lines were left out here.', 'aside')];
  if (line.ended) return [endNode(line.ended)];
  const nodes = [];
  const run = line.run ?? null;
  if (run !== null && lastRun !== null && run !== lastRun) nodes.push(element('div', `run ${run}`, 'boundary'));
  lastRun = run ?? lastRun;
  const made = element('div');
  const time = typeof line.time === 'number' ? line.time : Date.parse(line.time ?? '') / 1000;
  if (Number.isFinite(time)) {
    const stamp = element('time', clock(time));
    stamp.dateTime = new Date(time * 1000).toISOString();
    stamp.title = new Date(time * 1000).toLocaleString();
    made.append(stamp, ' ');
  }
  if (line.stream === 'stderr') {
    made.className = 'stderr';
    made.append(element('b', 'err', 'mark'), ' ');
  }
  made.append(...coloured(String(line.text ?? '')));
  made.classList.toggle('missed', !whole && !isFound(made));
  nodes.push(made);
  return nodes;
}

function endNode({ run, exit, began, ended }) {
  lastRun = null;
  const parts = [`run ${run} ended${exit ? `: ${exit}` : ''}`, ended && clock(ended), ended && began && `after ${duration(ended - began)}`];
  return element('div', parts.filter(Boolean).join(' · '), 'boundary');
}

const isFound = (node) => sought === '' || node.textContent.toLowerCase().includes(sought);

/** Shows the lines alone that are searched for, and marks these words where the browser can. */
function search() {
  sought = $('log-search').value.trim().toLowerCase();
  $('log-whole').hidden = sought === '';
  // Another text is searched for in the lines that come.
  if (whole) return readLog();
  for (const line of $('log').children) line.classList.toggle('missed', !line.matches('.aside, .boundary') && !isFound(line));
  paintFound();
  $('log').scrollTop = $('log').scrollHeight;
  showLogEnd();
}

/** Tells how many lines are shown, and marks what is searched for in them; `notes` say what the monitor has not searched. */
function paintFound(notes = null) {
  const lines = sought === '' ? [] : $('log').querySelectorAll('div:not(.missed, .aside, .boundary)');
  const many = `${grouped.format(lines.length)} found`;
  write($('log-found'), sought === '' || (whole && notes === null) ? '' : whole ? [`${many} in the whole log`, ...notes].join('. ') : many);
  $('log-found').title = (notes ?? []).join(' ');
  if (!globalThis.Highlight) return;
  const ranges = [];
  for (const line of lines) {
    const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let text = walk.nextNode(); text; text = walk.nextNode()) {
      for (let at = text.data.toLowerCase().indexOf(sought); at >= 0 && ranges.length < MOST_MARKED; at = text.data.toLowerCase().indexOf(sought, at + sought.length)) {
        ranges.push(new StaticRange({ startContainer: text, startOffset: at, endContainer: text, endOffset: at + sought.length }));
      }
    }
  }
  CSS.highlights.set('found', new Highlight(...ranges));
}

/** Saves the lines that the monitor has, as a file. */
async function download() {
  const name = followed;
  try {
    const response = await wire.ask('GET', route(name, `log?download=1&lines=${MOST_DOWNLOADED}&stream=${streamOf()}`), { accept: 'text/plain, application/json' });
    const answer = response.headers.get('Content-Type')?.startsWith('application/json') ? await response.json() : null;
    if (!response.ok || answer?.success === false) throw new Refused(response.status, answer?.message || `the monitor answered with status ${response.status}`);
    const content = answer ? answer.lines.map((line) => `${line}\n`) : [await response.blob()];
    const link = element('a');
    link.href = URL.createObjectURL(new Blob(content, { type: 'text/plain;charset=utf-8' }));
    link.download = `${name.replace(/[^\w.-]+/g, '-')}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    if (error.status === 401) logIn(error);
    else say(`${name}: failed to download the log: ${error instanceof Refused ? error.message : 'the monitor does not answer'}`);
  }
}

const isAtEnd = () => $('log').scrollHeight - $('log').scrollTop - $('log').clientHeight < 30;
const showLogEnd = () => { $('log-end').hidden = isAtEnd(); };

$('log').addEventListener('scroll', showLogEnd, { passive: true });
$('log-end').addEventListener('click', () => {
  $('log').scrollTop = $('log').scrollHeight;
  $('log').focus({ preventScroll: true });
});
$('panel-stream').addEventListener('change', readAgain);
$('log-search').addEventListener('input', search);
$('log-search').addEventListener('keydown', (event) => { if (event.key === 'Enter' && !event.isComposing) searchWhole(); });
$('log-whole').addEventListener('click', searchWhole);
$('log-download').addEventListener('click', download);
