// What a reader needs of any page: text that stands out, headings in order, nothing beyond the edge. The body of a function that gives
// the check named by its first argument; each answers with what is wrong, as lines.
const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
const words = (text) => text.replace(/\s+/g, ' ').trim();
const name = (element) => {
  const parts = [];
  for (let e = element; e && e !== document.body && parts.length < 3; e = e.parentElement) {
    parts.unshift(e.localName + (e.id ? '#' + e.id : '') + (typeof e.className === 'string' && e.className ? '.' + e.className.split(' ')[0] : ''));
  }
  return parts.join(' > ');
};

// -- contrast -------------------------------------------------------------------------

// Any CSS colour as [red, green, blue, alpha], by the browser's own reading of it.
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
canvas.canvas.width = canvas.canvas.height = 1;
const known = new Map();
const colour = (css) => {
  if (!known.has(css)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    known.set(css, [red, green, blue, alpha / 255]);
  }
  return known.get(css);
};
const over = (front, back) => [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
const luminance = (rgb) => {
  const [red, green, blue] = rgb.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ratio = (a, b) => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};

const scheme = document.createElement('div');  // what the browser paints a page with that says nothing
scheme.style.backgroundColor = 'Canvas';
document.documentElement.append(scheme);
const paper = colour(getComputedStyle(scheme).backgroundColor);
scheme.remove();

// What is painted behind an element, its own background included. An element in the top layer has the page behind it; what a dialog
// stands on is its own.
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const style = getComputedStyle(e);
    const own = e instanceof SVGElement && e.localName !== 'svg' ? [0, 0, 0, 0] : colour(style.backgroundColor);
    if (own[3] > 0) layers.push(own);
    if (own[3] === 1) break;
  }
  let back = paper;
  for (const layer of layers.reverse()) back = over(layer, back);
  return back;
};
const opacity = (element) => {
  let all = 1;
  for (let e = element; e; e = e.parentElement) all *= Number(getComputedStyle(e).opacity);
  return all;
};
// In a drawing the shapes that were drawn before the text lie behind it.
const behind_in_drawing = (element) => {
  let back = behind(element);
  const box = element.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  for (const shape of element.ownerSVGElement.querySelectorAll('rect, circle, path, polygon')) {
    if (!(shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
    const at = shape.getBoundingClientRect();
    const style = getComputedStyle(shape);
    if (style.fill === 'none' || x < at.left || x > at.right || y < at.top || y > at.bottom) continue;
    const [red, green, blue, alpha] = colour(style.fill);
    back = over([red, green, blue, alpha * Number(style.fillOpacity) * Number(style.opacity)], back);
  }
  return back;
};

const contrast = (least) => {
  const wrong = new Map();
  let looked = 0;
  const look = (element, text, css) => {
    if (!shown(element) || element.closest(':disabled, [aria-disabled=true]')) return;
    const drawn = element instanceof SVGElement;
    const style = getComputedStyle(element, css);
    const back = drawn ? behind_in_drawing(element) : behind(element);
    const [red, green, blue, alpha] = colour(drawn ? style.fill : style.color);
    const front = over([red, green, blue, alpha * opacity(element)], back);
    const found = ratio(front, back);
    looked += 1;
    if (found < least - 0.005) {
      wrong.set(`${name(element)}${css || ''} ${style.color} on ${back.slice(0, 3).map(Math.round)}`,
                `${found.toFixed(2)} "${words(text).slice(0, 40)}"`);
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (words(node.data) && !['SCRIPT', 'STYLE', 'NOSCRIPT', 'OPTION', 'CANVAS'].includes(node.parentElement.tagName)) {
      look(node.parentElement, node.data);
    }
  }
  for (const field of document.querySelectorAll('input:not([type=range], [type=checkbox], [type=radio], [type=hidden]), select, textarea')) {
    look(field, field.value || 'field');
    if (field.placeholder && !field.value) look(field, field.placeholder, '::placeholder');
  }
  return { looked, wrong: [...wrong].map(([where, what]) => `${where}: ${what}`) };
};

// -- structure ------------------------------------------------------------------------

const headings = () => {
  const wrong = [];
  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6, [role=heading]')].filter(shown)
    .map((h) => [Number(h.ariaLevel || h.localName.slice(1)), words(h.textContent)]);
  if (levels.filter(([level]) => level === 1).length !== 1) wrong.push(`not one heading of level 1: ${JSON.stringify(levels)}`);
  let before = 0;
  for (const [level, text] of levels) {
    if (!text) wrong.push(`a heading of level ${level} is empty`);
    if (level > before + 1) wrong.push(`"${text}" of level ${level} follows level ${before}`);
    before = level;
  }
  return { looked: levels.length, wrong };
};

const tables = () => {
  const all = [...document.querySelectorAll('table')].filter(shown);
  const wrong = [];
  for (const table of all) {
    if (!table.caption || !words(table.caption.textContent)) wrong.push(`${name(table)} has no caption`);
    for (const head of table.querySelectorAll('th')) {
      if (!words(head.textContent) && !head.ariaLabel && shown(head)) wrong.push(`${name(table)} has an empty head`);
      if (!head.scope) wrong.push(`${name(table)}: the head "${words(head.textContent)}" has no scope`);
    }
    if (table.tHead && !table.tHead.querySelector('th')) wrong.push(`${name(table)} has no heads`);
  }
  return { looked: all.length, wrong };
};

// What reaches beyond the right edge, unless it is in a box that can be scrolled by itself or is cut off there.
const overflow = () => {
  const wide = document.documentElement.clientWidth;
  const wrong = [];
  if (document.scrollingElement.scrollWidth > wide) {
    wrong.push(`the page is ${document.scrollingElement.scrollWidth} wide in a window of ${wide}`);
    for (const element of document.body.querySelectorAll('*')) {
      if (shown(element) && element.getBoundingClientRect().right > wide + 1) {
        let inside = element.parentElement;
        while (inside && getComputedStyle(inside).overflowX === 'visible') inside = inside.parentElement;
        if (!inside || inside === document.body || inside === document.documentElement) wrong.push(name(element));
      }
    }
  }
  return { looked: 1, wrong: wrong.slice(0, 10) };
};

// Boxes that scroll must be reachable by keyboard: focusable, or with something focusable inside.
const scrollers = () => {
  const wrong = [];
  let looked = 0;
  for (const box of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(box);
    const scrolls = (way, size, seen) => /auto|scroll/.test(way) && size > seen + 1;
    if (!shown(box) || !(scrolls(style.overflowX, box.scrollWidth, box.clientWidth) || scrolls(style.overflowY, box.scrollHeight, box.clientHeight))) continue;
    looked += 1;
    const inside = box.querySelector('a[href], button:not(:disabled), input:not(:disabled), select, textarea, [tabindex="0"]');
    if (box.tabIndex < 0 && !inside) wrong.push(`${name(box)} scrolls and cannot be reached by keyboard`);
  }
  return { looked, wrong };
};

return { contrast, headings, tables, overflow, scrollers }[arguments[0]](...[...arguments].slice(1));
