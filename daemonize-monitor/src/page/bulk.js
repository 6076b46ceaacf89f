// Commands for several bots: those that are selected, else those that the filter lets through.

/** Names of the bots that are selected. */
const selected = new Set();

/** The bots that a command of the bar is for. */
const meant = () => (selected.size > 0 ? [...selected] : filtered().map(({ key }) => key));

function paintBulk() {
  const many = meant().length;
  const is = selected.size > 0 || (isFiltered() && many > 0);
  $('bulk').hidden = !is;
  write($('bulk-what'), `${grouped.format(many)} ${selected.size > 0 ? 'selected' : 'shown'}`);
  $('bulk-none').hidden = selected.size === 0;
  const shown = rows.childElementCount === 0 ? [] : filtered();
  const picked = shown.filter(({ key }) => selected.has(key)).length;
  $('pick-all').checked = shown.length > 0 && picked === shown.length;
  $('pick-all').indeterminate = picked > 0 && picked < shown.length;
}

function paintPick(entry) {
  const { pick } = entry.parts;
  const all = botsOf(entry), picked = all.filter(({ key }) => selected.has(key)).length;
  pick.checked = picked === all.length && picked > 0;
  pick.indeterminate = picked > 0 && picked < all.length;
  entry.row.classList.toggle('picked', picked > 0);
}

/** Selects the bots of some entries, or takes them out of the selection. */
function select(entries, is) {
  for (const { key, family } of entries.flatMap(botsOf)) {
    if (is) selected.add(key);
    else selected.delete(key);
    paint(key);
    if (family) paint(family.key);
  }
  paintBulk();
}

function selectNone() {
  select([...selected].map((name) => bots.get(name)).filter(Boolean), false);
  selected.clear();
  paintBulk();
}

$('pick-all').addEventListener('change', () => select(filtered(), $('pick-all').checked));
rows.addEventListener('change', (event) => {
  if (event.target.matches('.pick input')) select([item(event.target.closest('tr').dataset.name)], event.target.checked);
});
$('bulk').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button?.id === 'bulk-none') selectNone();
  else if (button) commandMany(meant(), button.dataset.bulk);
});
