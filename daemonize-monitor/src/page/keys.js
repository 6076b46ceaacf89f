// What the pointer and the keyboard do.

let letters = kept('localStorage', 'letters') !== 'off';

/** Leaves the rows where they are for a moment. */
const holdStill = (event) => {
  still = performance.now() + (event?.target.closest('button') ? 5000 : 1500);
};

/** Whose log was open when the pointer went down: the focus, which the panel follows, moves before the click comes. */
let pressed = null;
rows.addEventListener('pointerdown', () => { pressed = followed; }, { passive: true });

rows.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const row = event.target.closest('tr');
  if (!row) return;
  const { name } = row.dataset;
  // Of a click by keyboard the detail is 0.
  const shown = event.detail === 0 ? followed : pressed;
  choose(name);
  if (!button) return;
  if (button.dataset.do !== 'log') command(name, button.dataset.do);
  else if (families.has(name)) fold(name);
  else if (shown === name) closePanel();
  else openPanel(name, { focus: event.detail === 0 || phone.matches });
});
rows.addEventListener('focusin', (event) => choose(event.target.closest('tr').dataset.name));
rows.addEventListener('pointermove', holdStill, { passive: true });
rows.addEventListener('pointerdown', holdStill, { passive: true });

function setShow(show) {
  view.show = show;
  for (const chip of document.querySelectorAll('.chips button')) mark(chip, 'aria-pressed', chip.dataset.show === show);
  reorder(true);
}

function setSort(key, turn) {
  view.down = turn && view.sort === key ? !view.down : MOST_FIRST.has(key);
  view.sort = key;
  $('order').value = key;
  for (const button of document.querySelectorAll('[data-sort]')) {
    mark(button.parentElement, 'aria-sort', button.dataset.sort !== key ? 'none' : view.down ? 'descending' : 'ascending');
  }
  reorder(true);
}

document.querySelector('.chips').addEventListener('click', (event) => {
  const chip = event.target.closest('button');
  if (chip) setShow(chip.dataset.show);
});
document.querySelector('#list thead').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button) setSort(button.dataset.sort, true);
});
$('order').addEventListener('change', () => setSort($('order').value, false));
$('filter').addEventListener('input', () => {
  view.filter = $('filter').value;
  reorder(true);
});

/** A filter by group is offered where there are groups. */
function paintGroups() {
  const all = groups();
  const chosen = all.includes(view.group) ? view.group : '';
  const said = JSON.stringify(all);
  $('groups').hidden = all.length === 0;
  if ($('group').said !== said) {
    $('group').said = said;
    $('group').replaceChildren(...['', ...all].map((name) => Object.assign(element('option', name || 'all groups'), { value: name })));
    $('group').value = chosen;
  }
  if (view.group !== chosen) {
    view.group = chosen;
    reorder(true);
  }
}
$('group').addEventListener('change', () => {
  view.group = $('group').value;
  reorder(true);
});

function openHelp() {
  if (!$('help').open) $('help').showModal();
}
$('help-open').addEventListener('click', openHelp);
$('help-letters').checked = letters;
$('help-letters').addEventListener('change', () => {
  letters = $('help-letters').checked;
  keep('localStorage', 'letters', letters ? null : 'off');
});

/** Esc closes what is open, one thing at a time. */
function closeOne() {
  if (document.activeElement === $('log-search') && $('log-search').value) {
    $('log-search').value = '';
    return search();
  }
  if (!$('panel').hidden) return closePanel();
  if (selected.size > 0) return selectNone();
  if ($('filter').value) {
    $('filter').value = '';
    view.filter = '';
    return reorder(true);
  }
  if (document.activeElement === $('filter')) $('filter').blur();
}

/** Out of the filter and into what it found, which may not be shown yet. */
function enterList() {
  sortRows();
  const first = rows.firstElementChild;
  if (first) choose(first.dataset.name, { focus: true });
}

/** Unfolds the family of the current row, or folds it and goes to its row. */
function foldCurrent(open) {
  const family = families.get(current) ?? bots.get(current)?.family;
  if (!family || family.shown.length < 2 || unfolded.has(family.key) === open) return;
  fold(family.key, open);
  if (!open) choose(family.key, { focus: true });
}

const PRESSED = {
  j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
  Home: () => move(-Infinity), End: () => move(Infinity),
  s: () => command(current, 'start'), x: () => command(current, 'stop'), r: () => command(current, 'restart'),
  l: () => (followed !== null && $('panel').contains(document.activeElement) ? closePanel() : families.has(current) ? fold(current) : current !== null && openPanel(current)),
  ArrowRight: () => foldCurrent(true), ArrowLeft: () => foldCurrent(false),
  ' ': () => item(current) && select([item(current)], !botsOf(item(current)).every(({ key }) => selected.has(key))),
  '/': () => { if (!$('list').inert) $('filter').focus(); },
  '?': openHelp, Escape: closeOne,
};

document.addEventListener('keydown', (event) => {
  if ($('app').hidden || document.querySelector('dialog[open]') || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const { key, target } = event;
  const action = Object.hasOwn(PRESSED, key) ? PRESSED[key] : null;
  if (!action) return;
  const typing = target.matches('input[type="search"], input[type="text"], input[type="password"], select, textarea');
  const moves = key.length > 1 && key !== 'Escape';
  // Space presses what has the focus, and the side arrows are for rows alone.
  if ((key === ' ' || key === 'ArrowLeft' || key === 'ArrowRight') && !target.matches('#rows tr')) return;
  if (typing) {
    if (key === 'ArrowDown' && target === $('filter')) {
      event.preventDefault();
      enterList();
    }
    if (key !== 'Escape') return;
  } else if (moves && (target === $('log') || target.matches('input[type="radio"]'))) {
    return;
  } else if (key.length === 1 && !letters) {
    return;
  }
  event.preventDefault();
  if ($('rows').contains(document.activeElement)) holdStill();
  action();
});
