// Numbers and times as people read them, and the few ways in which the document is touched.

const $ = (id) => document.getElementById(id);

/** Controls but tabs and line ends, and characters that nobody sees or that turn the direction of writing. */
const hidden = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\u{e0000}-\u{e0fff}]/gu;

/** The text with these as what they are: `\u{202e}`. */
const plain = (text) => String(text ?? '').replace(hidden, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);

/** Sets a node's text if it is another one; the only way in which text gets into the page. */
function write(node, text) {
  if (node.said !== text) {
    node.said = text;
    node.textContent = plain(text);
  }
}

/** Sets or takes away an attribute if that changes anything. */
function mark(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, plain(value));
  }
}

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = plain(text);
  if (className) made.className = className;
  return made;
}

const grouped = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
const natural = new Intl.Collator('en-US', { numeric: true, sensitivity: 'base' });

const number = (value) => (value >= 1e5 ? compact : grouped).format(value);

/** Seconds in two units at most, as `daemonctl status` has them. */
function duration(seconds) {
  if (seconds === null || seconds === undefined) return '';
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}m`;
  return `${Math.floor(whole / 86400)}d ${two(Math.floor(whole / 3600) % 24)}h`;
}

/** `980 B`, `12 kB`, `3.4 MB`, as `daemonctl status` has them. */
function memory(bytes) {
  if (bytes === null || bytes === undefined) return '';
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let value = bytes / 1000;
  const units = ['kB', 'MB', 'GB', 'TB'];
  while (value >= 999.5 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[0]}`;
}

const percent = (value) => (value === null || value === undefined ? '' : `${value.toFixed(1)}%`);

/** Seconds since 1970 as a time of this place; with the day if that is not today. */
function clock(seconds) {
  const time = new Date(seconds * 1000);
  const today = time.toDateString() === new Date().toDateString();
  return time.toLocaleString([], { ...(today ? {} : { month: 'short', day: 'numeric' }), hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
}

/** Sixty minutes as one path of upright lines, 120 wide and 20 high. */
function spark(minutes) {
  const most = Math.max(1, ...minutes);
  let path = '';
  minutes.forEach((count, minute) => {
    if (count > 0) path += `M${minute * 2 + 1} 20V${(20 - Math.max(2, (count / most) * 19)).toFixed(1)}`;
  });
  return path;
}

function picture(className, box, path) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  for (const [name, value] of [['class', className], ['viewBox', box], ['preserveAspectRatio', 'none'], ['aria-hidden', 'true']]) {
    svg.setAttribute(name, value);
  }
  const drawn = document.createElementNS(space, 'path');
  drawn.setAttribute('d', path);
  svg.append(drawn);
  return svg;
}

/** A sparkline of its own, for the details. */
const sparkline = (minutes) => picture('spark', '0 0 120 20', spark(minutes));

/** A day of values: upright lines for counts, else a surface with gaps where nothing was measured. */
function drawing(values, most, isCount) {
  const height = (value) => (30 - Math.max(1, (value / (most || 1)) * 28)).toFixed(1);
  let path = '', from = null;
  values.forEach((value, at) => {
    if (isCount) {
      if (value > 0) path += `M${at + 0.5} 30V${height(value)}`;
    } else if ((value ?? null) !== null) {
      path += from === null ? `M${at} 30V${height(value)}` : `L${at} ${height(value)}`;
      from ??= at;
    }
    if (!isCount && from !== null && ((values[at + 1] ?? null) === null)) {
      path += `H${at + 1}V30Z`;
      from = null;
    }
  });
  return picture(isCount ? 'day counts' : 'day', `0 0 ${values.length} 30`, path);
}

/** A place that outlives a reload of the page, where the browser has one. */
function keep(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch { /* Private windows may have none. */ }
}

function kept(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

/** A list of texts that was kept; empty where something else stands there. */
function keptList(key) {
  try {
    return JSON.parse(kept('localStorage', key) ?? '[]').map(String);
  } catch {
    return [];
  }
}

const pause = (milliseconds, signal) => new Promise((done) => {
  const timer = setTimeout(done, milliseconds);
  signal?.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
});
