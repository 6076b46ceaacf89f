// The colours that a program gives its lines on a terminal (SGR, ECMA-48). Every other control is shown as what it is.

/** A line has at most this many changes of colour; what follows is shown as it is. */
const MOST_CHANGES = 400;
const SGR = /\x1b\[([0-9;:]{0,60})m/g;
const STYLES = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 7: 'inverse', 9: 'struck' };
const ENDS = { 22: ['bold', 'dim'], 23: ['italic'], 24: ['underline'], 27: ['inverse'], 29: ['struck'] };

/** One of the sixteen colours that is near to red, green and blue of 0 to 255, so that it can be read on either ground. */
function nearest(red, green, blue) {
  const most = Math.max(red, green, blue);
  const part = (value, bit) => (most > 60 && value > most * 0.6 ? bit : 0);
  return part(red, 1) + part(green, 2) + part(blue, 4) + (most > 200 ? 8 : 0);
}

/** The colour of `38;5;N`: sixteen, a cube of six by six by six, and greys. */
function indexed(index) {
  if (index < 16) return index;
  if (index >= 232) return nearest(...Array(3).fill((index - 232) * 10 + 8));
  const level = (step) => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

/** Applies one sequence to `style`, a set of names of classes. */
function applySgr(style, text) {
  const codes = text.split(/[;:]/).map(Number);
  const colour = (value) => {
    for (const name of style) if (/^c\d/.test(name)) style.delete(name);
    if (Number.isInteger(value) && value >= 0 && value < 16) style.add(`c${value}`);
  };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) style.clear();
    else if (STYLES[code]) style.add(STYLES[code]);
    else if (ENDS[code]) ENDS[code].forEach((name) => style.delete(name));
    else if (code >= 30 && code <= 37) colour(code - 30);
    else if (code >= 90 && code <= 97) colour(code - 82);
    else if (code === 39) colour(null);
    else if (code === 38 || code === 48 || code === 58) {
      // The grounds that a program chooses are left out: it is not known what can be read on them.
      const direct = codes[at + 1] === 2;
      const chosen = direct ? nearest(...codes.slice(at + 2, at + 5)) : indexed(codes[at + 2] ?? 0);
      if (code === 38) colour(chosen);
      at += direct ? 4 : 2;
    }
  }
}

/** A line as nodes: text, and a `span` around each part that has a colour. */
function coloured(line) {
  if (!line.includes('\x1b')) return [document.createTextNode(plain(line))];
  const nodes = [], style = new Set();
  let from = 0, changes = 0;
  const add = (text) => {
    if (text) nodes.push(style.size > 0 ? element('span', text, [...style].join(' ')) : document.createTextNode(plain(text)));
  };
  for (const found of line.matchAll(SGR)) {
    if ((changes += 1) > MOST_CHANGES) break;
    add(line.slice(from, found.index));
    applySgr(style, found[1]);
    from = found.index + found[0].length;
  }
  add(line.slice(from));
  return nodes;
}
