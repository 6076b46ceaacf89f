// The login: by the token, or by the code that `daemonctl open` has put behind `#` in the address.

let code = null;

/** Takes the code out of the address, and out of the history of the browser, before anything else happens. */
function takeCode() {
  const found = location.hash.match(/^#code=([0-9a-f]{32,128})$/);
  if (!found) return false;
  [, code] = found;
  history.replaceState(null, '', location.pathname + location.search);
  return true;
}

/** Exchanges the code for a session; where that fails, says why and asks for the token. */
async function exchange() {
  try {
    wire.token = code;
    code = null;
    const { session } = await wire.post('session');
    wire.token = session;
    keep('sessionStorage', 'token', session);
    return true;
  } catch (error) {
    wire.token = null;
    const old = 'This address was used before, or is older than a minute. `daemonctl open` prints another one.';
    askForToken(error.status === 401 ? old : error instanceof Refused ? error.message : 'The monitor does not answer.');
    return false;
  }
}

/** Ends everything and asks for a token; returns false, so that the caller does not go on. */
function logIn(error) {
  // Several requests may hear of it; the first one said so.
  if (error && $('app').hidden && !$('login').hidden) return false;
  askForToken(error && wire.token ? 'The monitor no longer takes this login: it ended, or the monitor was started again. `daemonctl open` prints a new address.' : '');
  return false;
}

function askForToken(words) {
  live.abort();
  closePanel();
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  wire.token = null;
  keep('sessionStorage', 'token', null);
  for (const name of [...bots.keys()]) forget(name);
  for (const row of [...rows.children]) row.remove();
  monitor.known = null;
  document.title = 'Monitor';
  $('app').hidden = true;
  $('login').hidden = false;
  write($('login-error'), words);
  $('login-token').value = '';
  $('login-token').focus();
}

function words(error) {
  if (!(error instanceof Refused)) return 'The monitor does not answer.';
  if (error.status === 401) return 'That is not the token of this monitor.';
  return error.message;
}

$('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = $('login-form').querySelector('button');
  if (button.hasAttribute('aria-busy')) return;
  // A pasted token may have the end of its line with it, and no header may have other letters.
  wire.token = $('login-token').value.replace(/[^\x21-\x7e]/g, '');
  write($('login-error'), '');
  mark(button, 'aria-busy', 'true');
  try {
    live = new AbortController();
    await load(live.signal);
    keep('sessionStorage', 'token', wire.token);
    begin();
    $('name').focus();
  } catch (error) {
    wire.token = null;
    write($('login-error'), words(error));
    $('login-token').select();
    $('login-token').focus();
  } finally {
    mark(button, 'aria-busy', null);
  }
});

/** The monitor forgets the session, where it is one; the page forgets everything. */
$('logout').addEventListener('click', () => {
  wire.post('session/end').catch(() => {});
  askForToken('');
});
