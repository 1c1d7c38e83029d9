// A table with a heading, a filter and orders that a click on a column changes; both are in the address.
import {h, put, section} from './dom.js';
import {byName, count} from './format.js';
import {table} from './table.js';

const filterAfterMs = 120;

function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number')
    return a - b;
  return byName(String(a), String(b));
}

/**
 * As table(), and: title, tools, columns with `id` and `sort(row)`, `text(row)` that a filter looks in, `order`: id of a column, "-id" falls.
 * Without `text` there is no filter. `prefix` of the names in the address, when a page has several lists.
 */
export function list(context, {title, tools = [], columns, text, order = '', prefix = '', filterLabel, ...more}) {
  const names = {sort: `${prefix}sort`, filter: `${prefix}filter`};
  let sort = context.query(names.sort) || order;
  let filter = context.query(names.filter);
  let all = [];
  let timer = 0;
  const heads = new Map();

  const header = (c) => () => {
    const button = h('button', {type: 'button', class: 'order', onclick: () => {
      sort = sort === c.id ? `-${c.id}` : sort === `-${c.id}` ? c.id : c.number ? `-${c.id}` : c.id;
      context.setQuery({[names.sort]: sort === order ? '' : sort});
      show();
    }}, c.label);
    const head = h('th', {scope: 'col', class: c.number ? 'number' : null}, button);
    heads.set(c.id, head);
    return head;
  };
  const inner = table({...more, caption: more.caption ?? title, columns: columns.map((c) => (c.sort ? {...c, header: header(c)} : c))});
  const total = h('span', {class: 'total'});
  const box = text ? h('input', {type: 'search', class: 'filter', placeholder: 'filter', 'aria-label': filterLabel ?? `filter ${title.toLowerCase()}`, value: filter, oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      filter = box.value.trim();
      context.setQuery({[names.filter]: filter});
      show();
    }, filterAfterMs);
  }}) : null;

  function show() {
    let rows = all;
    if (filter !== '') {
      const words = filter.toLowerCase().split(/\s+/);
      rows = rows.filter((row) => {
        const where = text(row).toLowerCase();
        return words.every((word) => where.includes(word));
      });
    }
    const column = columns.find((c) => c.sort && c.id === sort.replace(/^-/, ''));
    if (column) {
      const sign = sort.startsWith('-') ? -1 : 1;
      rows = rows.map((row) => [column.sort(row), row]).sort((a, b) => sign * compare(a[0], b[0])).map(([, row]) => row);
    }
    for (const [id, head] of heads)
      head.setAttribute('aria-sort', sort === id ? 'ascending' : sort === `-${id}` ? 'descending' : 'none');
    put(total, rows.length === all.length ? count(all.length) : `${count(rows.length)} of ${count(all.length)}`);
    inner.setEmpty(all.length > 0 ? `none of ${count(all.length)} has “${filter}”` : more.empty ?? 'none');
    inner.update(rows);
  }

  const update = (rows) => {
    all = rows;
    show();
  };
  return {element: section(title, {tools: [total, box, tools]}, inner.element), update};
}
