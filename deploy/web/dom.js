// Builds elements; text goes in through textContent only, so nothing that a coordinator says can become markup.

const svgNamespace = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false)
      continue;
    if (name.startsWith('on'))
      element.addEventListener(name.slice(2), value);
    else if (name === 'style') // as properties: an attribute would break the content security policy
      Object.assign(element.style, value);
    else if (name === 'value')
      element.value = value;
    else
      element.setAttribute(name, value === true ? '' : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === '')
      continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(svgNamespace, tag), attributes, children);

/** Puts these children into an element, unless it has the very same already: focus and selection stay. */
export function put(element, ...children) {
  const shell = document.createDocumentFragment();
  add(shell, children);
  if (shell.childNodes.length === element.childNodes.length
      && [...shell.childNodes].every((node, i) => node.isEqualNode(element.childNodes[i])))
    return element;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused?.dataset.action ? `[data-action="${focused.dataset.action}"]` : focused?.tagName;
  element.replaceChildren(shell);
  if (focused && mark)
    element.querySelector(mark)?.focus({preventScroll: true});
  return element;
}

const shapes = {ok: '●', busy: '◐', idle: '○', warn: '▲', bad: '■'};

/** A state: a shape for the eye, a word for everybody. */
export const state = (kind, word) => h('span', {class: 'state', 'data-kind': kind}, h('span', {'aria-hidden': 'true', class: 'shape'}, shapes[kind]), word);

export const link = (href, ...children) => h('a', {href}, ...children);

/** A heading with its tools, and what is below it. */
export function section(title, {tools = [], id} = {}, ...children) {
  return h('section', {id, 'aria-label': title}, h('div', {class: 'bar'}, h('h2', null, title), tools), children);
}

/** A list of figures: `set({nodes: [4, '4', 'of 4']})` shows them, raw numbers in data-value. */
export function figures(names) {
  const at = {};
  const element = h('dl', {class: 'figures'}, Object.entries(names).map(([name, label]) => {
    at[name] = h('dd', {'data-figure': name});
    return h('div', null, h('dt', null, label), at[name]);
  }));
  const set = (values) => {
    for (const [name, [raw, text, more]] of Object.entries(values)) {
      at[name].dataset.value = String(raw);
      put(at[name], text, more ? h('small', null, ' ' + more) : null);
    }
  };
  return {element, set};
}

/** Names and what they are: [['address', '127.0.0.1:1'], ...]; those without a value are left out. */
export const facts = (pairs) => h('dl', {class: 'facts'}, pairs.filter(([, value]) => value !== '' && value !== undefined && value !== null)
  .map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));

/** The last values as a line; the words beside it say what it shows. */
export function sparkline(values, {width = 88, height = 20, most = 0} = {}) {
  const high = Math.max(most, ...values, 0);
  const step = width / Math.max(values.length - 1, 1);
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(height - 1.5 - (high > 0 ? v / high : 0) * (height - 3)).toFixed(1)}`).join(' ');
  return svg('svg', {class: 'sparkline', viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true'},
    values.length > 1 ? svg('polyline', {points}) : null);
}
