// The panel of one bot: its log beside what is known of it.

let followed = null, opener = null;

function openPanel(name, { focus = true } = {}) {
  if (!bots.has(name)) return;
  opener = document.activeElement;
  $('panel').hidden = false;
  choose(name);
  followPanel(name);
  coverPhone();
  bots.get(name).row?.scrollIntoView({ block: 'nearest' });
  if (focus) $('log').focus({ preventScroll: true });
}

function closePanel() {
  if ($('panel').hidden) return;
  const inside = $('panel').contains(document.activeElement);
  stopLog();
  $('panel').hidden = true;
  markExpanded(null);
  coverPhone();
  if (!inside) return;
  const back = item(current)?.row;
  if (opener?.isConnected && back?.contains(opener)) opener.focus({ preventScroll: true });
  else back?.focus({ preventScroll: true });
}

/** Says at the row which bot the panel shows. */
function markExpanded(name) {
  const label = (of) => bots.get(of)?.parts?.label;
  if (label(followed)) mark(label(followed), 'aria-expanded', 'false');
  followed = name;
  if (label(name)) mark(label(name), 'aria-expanded', 'true');
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
  const first = followed === null;
  markExpanded(name);
  write($('panel-name'), name);
  clearDetails();
  paintPanel();
  stopLog();
  clearTimeout(followSoon.timer);
  followSoon.timer = setTimeout(() => {
    readLog();
    readDetails();
  }, first ? 0 : 150);
}

/** On a phone there is room for the log or for the details. */
$('panel-tabs').addEventListener('change', (event) => { $('panel').dataset.tab = event.target.value; });
$('panel-close').addEventListener('click', closePanel);
