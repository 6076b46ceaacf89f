// The windows of one browser share a stream: it opens six connections to a monitor at most, and each stream takes one. Where a
// browser has no locks (a page that did not come over HTTPS or from this machine), each window is alone.

/** One name for all windows that show this monitor, and no other behind the same proxy. */
const shareName = (path) => location.pathname.replace(/[^/]*$/, '') + path;

/** As `wire.follow`: one window, which has the lock, reads the stream, and tells the others what it hears. */
function followShared(path, { signal, opened, heard, lost }) {
  if (!navigator.locks) return wire.follow(path, { signal, opened, heard, lost });
  const name = shareName(path);
  const channel = new BroadcastChannel(name);
  // The last message of the window that reads: whether the stream is open.
  let reads = false, told = null;
  const tell = (...message) => {
    if (message[0] !== 'heard') told = message;
    if (!signal.aborted) channel.postMessage(message);
  };
  channel.addEventListener('message', ({ data: [kind, ...what] }) => {
    if (kind === 'hello') {
      if (reads && told) channel.postMessage(told[0] === 'opened' ? ['is-open'] : told);
    } else if (kind === 'heard') {
      heard(...what);
    } else if (kind === 'lost') {
      told = [kind];
      lost(null, ...what);
    } else if (kind === 'opened' || (kind === 'is-open' && told?.[0] !== 'opened')) {
      told = ['opened'];
      opened();
    }
  });
  signal.addEventListener('abort', () => channel.close(), { once: true });
  channel.postMessage(['hello']);
  const read = () => {
    reads = true;
    return wire.follow(path, {
      signal,
      opened: () => { tell('opened'); opened(); },
      heard: (event, data) => { tell('heard', event, data); heard(event, data); },
      lost: (error, wait) => { tell('lost', wait); return lost(error, wait); },
    });
  };
  // The wait for the lock ends with the signal.
  navigator.locks.request(name, { signal }, read).catch(() => {});
}

/** Tells the other windows that one waits for a slot. */
const slots = navigator.locks ? new BroadcastChannel(shareName('slots')) : null;

/** Runs `act` as soon as fewer than `most` windows do; calls `waits` if that takes a while. */
async function takeSlot(most, signal, act, waits) {
  if (!slots) return act();
  let begun = false;
  const others = new AbortController();
  signal.addEventListener('abort', () => others.abort(), { once: true });
  setTimeout(() => {
    if (begun || signal.aborted) return;
    waits();
    slots.postMessage('wanted');
  }, 500);
  for (let slot = 0; slot < most; slot += 1) {
    navigator.locks.request(`${slots.name} ${slot}`, { signal: others.signal }, async () => {
      if (begun || signal.aborted) return;
      begun = true;
      others.abort();
      await act();
    }).catch(() => {});
  }
}
