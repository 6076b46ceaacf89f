// What goes over the wire: requests with the token, and streams of events, which EventSource could not ask for with one.

/** The monitor answered, and said no. */
class Refused extends Error {
  constructor(status, message, timeout) {
    super(message);
    this.status = status;
    this.timeout = timeout;
  }
}

const wire = { token: kept('sessionStorage', 'token') };

wire.ask = async function (method, path, { body, accept = 'application/json', signal } = {}) {
  const headers = { Accept: accept };
  if (wire.token) headers.Authorization = `Bearer ${wire.token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return fetch(path, { method, headers, signal, body: body && JSON.stringify(body), cache: 'no-store', redirect: 'error' });
};

/** A JSON answer; what is no success is an error with the monitor's own words, unless it succeeded `partly`. */
wire.json = async function (method, path, options) {
  const response = await wire.ask(method, path, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || (answer.success !== true && !(options.partly && answer.failures))) {
    throw new Refused(response.status, answer.message || `the monitor answered with status ${response.status}`, answer.timeout === true);
  }
  return answer;
};

wire.get = (path, signal) => wire.json('GET', path, { signal });
wire.post = (path, body, options) => wire.json('POST', path, { body, ...options });

/** A line longer than this comes from no monitor. */
const LONGEST = 8 << 20;

/** Reads server-sent events until the stream ends: `opened()` once it answers, `heard(name, data)` for each. */
wire.stream = async function (path, signal, opened, heard) {
  const response = await wire.ask('GET', path, { accept: 'text/event-stream', signal });
  if (!response.ok || !(response.headers.get('Content-Type') || '').startsWith('text/event-stream')) {
    const answer = await response.json().catch(() => ({}));
    throw new Refused(response.status, answer.message || `the monitor answered with status ${response.status}`);
  }
  opened();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '', name = 'message', data = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    if (rest.length > LONGEST) throw new Error('a line of the stream is too long');
    for (let line of lines) {
      if (line.endsWith('\r')) line = line.slice(0, -1);
      if (line === '') {
        if (data.length > 0) heard(name, JSON.parse(data.join('\n')));
        name = 'message';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const content = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') name = content;
      else if (field === 'data') data.push(content);
    }
  }
};

/** Reads a stream again and again, waiting longer after each failure; ends with `signal`, or where no token helps. */
wire.follow = async function (path, { signal, opened, heard, lost }) {
  for (let failures = 0; !signal.aborted; failures += 1) {
    let why = null;
    try {
      await wire.stream(path, signal, () => { failures = 0; opened(); }, heard);
    } catch (error) {
      why = error;
    }
    if (signal.aborted) return;
    const wait = Math.min(10000, 300 * 2 ** Math.min(failures, 6)) * (0.75 + Math.random() / 2);
    if (lost(why, wait) === false) return;
    await pause(wait, signal);
  }
};
