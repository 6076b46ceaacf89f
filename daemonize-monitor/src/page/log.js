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

function stopLog() {
  reading.abort();
}

const streamOf = () => document.querySelector('#panel-stream :checked').value;

function readLog() {
  const name = followed;
  if (name === null) return;
  reading.abort();
  reading = new AbortController();
  const { signal } = reading;
  unread = [];
  aside('Reading …');
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

/** Says something in place of the lines. */
function aside(text) {
  lastRun = null;
  $('log').replaceChildren(element('div', text, 'aside'));
  paintFound();
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
  made.classList.toggle('missed', !isFound(made));
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
  for (const line of $('log').children) line.classList.toggle('missed', !line.matches('.aside, .boundary') && !isFound(line));
  paintFound();
  $('log').scrollTop = $('log').scrollHeight;
  showLogEnd();
}

function paintFound() {
  const lines = sought === '' ? [] : $('log').querySelectorAll('div:not(.missed, .aside, .boundary)');
  write($('log-found'), sought === '' ? '' : `${grouped.format(lines.length)} found`);
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
$('panel-stream').addEventListener('change', readLog);
$('log-search').addEventListener('input', search);
$('log-download').addEventListener('click', download);
