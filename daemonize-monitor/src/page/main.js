// The life of the page: load everything, hear what changes, and load again when something was missed.

let live = new AbortController();
let title = 0;
/** Whose load is under way, and whether another one is wanted after it. */
let loading = null, loadAgain = false;

/** Takes what was heard of a bot, and tells of what matters. */
function take(bot, quiet = false) {
  const { entry, before } = learn(bot);
  if (bot.state === 'running' && before !== 'running') entry.error = null;
  paint(bot.name);
  if (before !== bot.state) {
    reorder();
    showTitle();
    if (!quiet && before !== null) tellChange(bot);
  }
}

function tellChange(bot) {
  if (bot.state === 'gave-up') say(`${bot.name} gave up${bot.reason ? `: ${bot.reason}` : ''}`);
  else if (bot.state === 'backing-off' || bot.state === 'failed') say(`${bot.name} ended${bot.last_exit ? `: ${bot.last_exit}` : ''}`);
  else if (bot.state === 'running') say(`${bot.name} is running`);
  else if (bot.state === 'stopped' || bot.state === 'exited' || bot.state === 'suspended') say(`${bot.name} is ${bot.state}`);
}

const dot = (colour) => `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" fill="${colour}"/></svg>`)}`;

/** The title tells of problems, also while the page is behind others. */
function showTitle() {
  if (title) return;
  title = setTimeout(() => {
    title = 0;
    const { problems } = totals();
    const name = monitor.known?.name ?? 'Monitor';
    const bad = problems > 0 || Boolean(monitor.known?.problem || monitor.known?.log_problem);
    const what = problems === 1 ? '1 problem' : problems > 1 ? `${problems} problems` : bad ? (monitor.known.problem ? 'configuration' : 'log') : '';
    document.title = plain(what ? `(${what}) ${name}` : name);
    mark($('icon'), 'href', dot(bad ? '#d93025' : '#1a9c52'));
  }, 200);
}

function paintFacts() {
  const { known, at } = monitor;
  if (!known) return;
  const { up, down } = totals();
  const facts = [`${up} up, ${down} down`, `pid ${known.pid}`, `up ${duration(known.uptime + age(at))}`, known.version && `version ${known.version}`, known.config].filter(Boolean);
  const said = facts.join('\n');
  if ($('facts').said === said) return;
  $('facts').said = said;
  $('facts').replaceChildren(...facts.map((fact) => element('span', fact)));
}

/** Loads everything. What a stream tells meanwhile is newer. */
async function load(signal) {
  newer.clear();
  const answer = await wire.get('bots', signal);
  if (signal.aborted) return;
  monitor.known = answer.monitor;
  monitor.at = performance.now();
  write($('name'), answer.monitor.name);
  const { problem, log_problem: log } = answer.monitor;
  const wrong = [problem, log && `The log of the monitor itself is not written: ${log}`].filter(Boolean).join('\n');
  write($('problem'), wrong);
  $('problem').hidden = !wrong;
  const listed = new Set();
  const quiet = bots.size === 0;
  answer.bots.forEach((bot, place) => {
    listed.add(bot.name);
    if (!newer.has(bot.name)) take(bot, quiet);
    if (bots.has(bot.name)) bots.get(bot.name).place = place;
  });
  places = Math.max(places, answer.bots.length);
  for (const name of [...bots.keys()]) {
    if (!listed.has(name) && !newer.has(name)) forget(name);
  }
  paintGroups();
  if (bots.size === 0 || orderIsOld || ['cpu', 'memory', 'events', 'uptime', 'exits'].includes(view.sort)) reorder();
  paintFacts();
  paintTotals();
  showTitle();
}

function heard(event, data) {
  if (event === 'bot') {
    newer.add(data.name);
    take(data);
  } else if (event === 'removed') {
    newer.add(data.name);
    forget(data.name);
    say(`${data.name} is gone`);
    showTitle();
  } else if (event === 'counts') {
    if (count(data.name, data.events)) paint(data.name);
  } else if (event === 'lagged') {
    reload();
  }
}

function showLive(state, text) {
  $('live').dataset.state = state;
  // What may no longer be so is shown as such.
  $('app').classList.toggle('stale', state === 'lost');
  write($('live'), text);
}

/** Loads again, one at a time. A monitor that does not answer is told by the stream too, which tries again. */
async function reload() {
  const { signal } = live;
  if (loading === signal) {
    loadAgain = true;
    return;
  }
  loading = signal;
  try {
    do {
      loadAgain = false;
      await load(signal);
    } while (loadAgain && !signal.aborted);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) logIn(error);
    else showLive('lost', error instanceof Refused ? error.message : 'no answer');
  } finally {
    if (loading === signal) loading = null;
  }
}

/** CPU, memory and the minutes of the sparklines change without being told: they are asked for, more rarely where many. */
async function measure(signal) {
  while (!signal.aborted) {
    await pause(Math.min(30000, Math.max(5000, bots.size * 50)), signal);
    if (!signal.aborted && !document.hidden && $('live').dataset.state === 'live') await reload();
  }
}

function begin() {
  live.abort();
  live = new AbortController();
  const { signal } = live;
  $('login').hidden = true;
  $('app').hidden = false;
  $('logout').hidden = !wire.token;
  const ticking = setInterval(() => { if (!document.hidden && $('live').dataset.state === 'live') tick(); }, 1000);
  signal.addEventListener('abort', () => clearInterval(ticking), { once: true });
  followShared('events', {
    signal,
    heard,
    opened: () => {
      showLive('live', 'live');
      reload();
    },
    lost: (error, wait) => {
      if (error?.status === 401) return logIn(error);
      showLive('lost', `lost, trying again in ${Math.ceil(wait / 1000)} s`);
      return true;
    },
  });
  measure(signal);
}

/** A monitor that wants no token shows its bots at once. */
async function openPage() {
  if (takeCode() && !(await exchange())) return;
  for (let tries = 0; ; tries += 1) {
    try {
      await load(live.signal);
      return begin();
    } catch (error) {
      if (error.status === 401) return logIn(error);
      $('app').hidden = false;
      showLive('lost', error instanceof Refused ? error.message : 'no answer, trying again');
      await pause(Math.min(10000, 500 * 2 ** tries));
    }
  }
}

openPage();
window.addEventListener('hashchange', async () => { if (takeCode() && (await exchange())) begin(); });
