// A table whose rows are known by key and changed in place; of more than 500 rows only those in view exist.
import {h, put} from './dom.js';

const windowedFrom = 500;
const margin = 12; // rows above and below the view, so that a short scroll shows no gap
const rowHeight = 29; // of a windowed row, as style.css says

/**
 * columns: [{label, cell(row, now) -> node or text, number, width, head}]; `now()` is the row as it is when a button in it is pressed.
 * `head`: the cell names the row. `width`: CSS width, needed for long lists, where all rows cannot be measured.
 */
export function table({name, caption, columns, key, empty = 'none', label}) {
  const head = h('tr');
  const body = h('tbody');
  const above = h('tr', {'aria-hidden': 'true', class: 'space'}, h('td', {colspan: columns.length}));
  const below = h('tr', {'aria-hidden': 'true', class: 'space'}, h('td', {colspan: columns.length}));
  const element = h('table', {'data-list': name}, h('caption', null, caption), h('colgroup', null, columns.map((c) => h('col', {style: {width: c.width ?? ''}}))),
    h('thead', null, head), body);
  const scroll = h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label ?? caption}, element);
  const nothing = h('p', {class: 'empty'}, empty);
  const outer = h('div', {class: 'list'}, scroll, nothing);
  const known = new Map();
  let rows = [];
  let windowed = false;
  let painting = false;

  for (const c of columns)
    head.append(c.header ? c.header() : h('th', {scope: 'col', class: c.number ? 'number' : null}, c.label || h('span', {class: 'unseen'}, 'Actions')));

  function make(id) {
    const record = {row: null, cells: [], line: h('tr', {'data-key': id})};
    for (const c of columns) {
      const cell = c.head ? h('th', {scope: 'row'}) : h('td', {class: c.number ? 'number' : null});
      record.cells.push(cell);
      record.line.append(cell);
    }
    known.set(id, record);
    return record;
  }

  function show(record, row, index) {
    if (record.row !== row) {
      record.row = row;
      columns.forEach((c, i) => {
        const content = c.cell(row, () => record.row);
        if (typeof content === 'string' || typeof content === 'number') {
          const text = String(content);
          if (record.cells[i].textContent !== text || record.cells[i].firstElementChild)
            put(record.cells[i], text);
          if (windowed && text.length > 12)
            record.cells[i].title = text;
        } else {
          put(record.cells[i], content);
        }
      });
    }
    if (windowed)
      record.line.setAttribute('aria-rowindex', index + 2);
  }

  function range() {
    if (!windowed)
      return [0, rows.length];
    const first = Math.floor(scroll.scrollTop / rowHeight) - margin;
    const last = Math.ceil((scroll.scrollTop + (scroll.clientHeight || 600)) / rowHeight) + margin;
    return [Math.min(Math.max(0, first), rows.length), Math.min(rows.length, last)];
  }

  function paint() {
    const [from, to] = range();
    const wanted = rows.slice(from, to);
    const ids = wanted.map((row) => String(key(row)));
    const keep = new Set(ids);
    for (const [id, record] of known) {
      if (keep.has(id))
        continue;
      if (record.line.contains(document.activeElement))
        scroll.focus({preventScroll: true}); // the row leaves with its button; the list stays where the keys go
      record.line.remove();
      known.delete(id);
    }
    let place = windowed ? above.nextSibling : body.firstChild;
    wanted.forEach((row, i) => {
      const record = known.get(ids[i]) ?? make(ids[i]);
      show(record, row, from + i);
      if (record.line === place) {
        place = place.nextSibling;
      } else if (record.line.isConnected && body.moveBefore) {
        body.moveBefore(record.line, place); // keeps the focus
      } else {
        body.insertBefore(record.line, place);
      }
    });
    if (windowed) {
      above.firstChild.style.height = `${from * rowHeight}px`;
      below.firstChild.style.height = `${(rows.length - to) * rowHeight}px`;
    }
  }

  scroll.addEventListener('scroll', () => {
    if (!windowed || painting)
      return;
    painting = true;
    requestAnimationFrame(() => {
      painting = false;
      paint();
    });
  }, {passive: true});

  scroll.addEventListener('keydown', (event) => { // at once: gliding past thousands of rows shows nothing, and browsers lose a key that comes meanwhile
    if (!windowed || event.target !== scroll || event.ctrlKey || event.altKey || event.metaKey || (event.key !== 'Home' && event.key !== 'End'))
      return;
    event.preventDefault();
    scroll.scrollTo({top: event.key === 'Home' ? 0 : scroll.scrollHeight, behavior: 'instant'});
  });

  function update(next) {
    const grew = next.length - rows.length;
    const top = rows.length > 0 ? String(key(rows[0])) : '';
    rows = next;
    const now = rows.length > windowedFrom;
    if (now !== windowed) {
      windowed = now;
      outer.classList.toggle('windowed', now);
      known.clear();
      body.replaceChildren(...(now ? [above, below] : []));
    } else if (windowed && grew > 0 && scroll.scrollTop > 0 && rows[grew] && String(key(rows[grew])) === top) {
      scroll.scrollTop += grew * rowHeight; // what came on top does not push away what is being read
    }
    if (windowed)
      element.setAttribute('aria-rowcount', rows.length);
    else
      element.removeAttribute('aria-rowcount');
    nothing.hidden = rows.length > 0;
    scroll.hidden = rows.length === 0;
    if (scroll.hidden)
      known.clear(), body.replaceChildren(...(windowed ? [above, below] : []));
    else
      paint();
    return outer;
  }

  update([]);
  return {element: outer, update, setEmpty: (text) => put(nothing, text)};
}
