// Draws moves: what each node holds before and after, and how much goes from where to where. The tables below say the same in numbers.
import {h, svg} from './dom.js';
import {count, counted} from './format.js';

const barsMost = 30; // nodes with bars of their own: those that change most
const endsMost = 20; // nodes on each side of the flows; the others are drawn as one
const labelWidth = 150;
const numberWidth = 150;

const shortened = (name, most = 22) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
const clamp = (width) => Math.max(300, Math.min(width, 1100));

/** Rows of each node as a bar, dashed as it is, filled as it would be. */
export function bars(nodes, width) {
  const change = (n) => Math.abs(Number(n.rowsAfter) - Number(n.rowsBefore));
  const drawn = [...nodes].sort((a, b) => change(b) - change(a)).slice(0, barsMost);
  const most = Math.max(1, ...nodes.flatMap((n) => [Number(n.rowsBefore), Number(n.rowsAfter)]));
  const wide = clamp(width);
  const room = wide - labelWidth - numberWidth;
  const step = 24;
  const height = drawn.length * step + 4;
  const length = (rows) => Math.max(0, (Number(rows) / most) * Math.max(room, 60));
  return h('div', null,
    h('p', {class: 'legend'}, h('span', null, 'dashed: rows now'), h('span', null, 'filled: rows when all moves are done'), drawn.length < nodes.length ? h('span', null, `the ${drawn.length} of ${count(nodes.length)} nodes that change most`) : null),
    h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'rows of nodes before and after'},
      svg('svg', {class: 'drawing', width: wide, height, viewBox: `0 0 ${wide} ${height}`, role: 'img', 'aria-label': `rows before and after of ${counted(drawn.length, 'node')}`},
        drawn.map((n, i) => {
          const y = i * step + 4;
          return svg('g', {'data-node': n.node}, svg('text', {x: 0, y: y + 8}, shortened(n.node)),
            svg('rect', {class: 'after', x: labelWidth, y: y + 2, width: length(n.rowsAfter), height: 12, rx: 1}),
            svg('rect', {class: 'before', x: labelWidth, y, width: Math.max(1, length(n.rowsBefore)), height: 16, rx: 1}),
            svg('text', {class: 'faint', x: labelWidth + Math.max(length(n.rowsBefore), length(n.rowsAfter)) + 8, y: y + 8}, `${count(n.rowsBefore)} → ${count(n.rowsAfter)}`));
        }))));
}

/** Sums moves by pair of nodes, the smaller nodes of a side as one. */
function paired(moves) {
  const weight = (m) => Math.max(Number(m.rows), 1); // channels move no rows
  const total = (side) => {
    const sums = new Map();
    for (const m of moves)
      sums.set(m[side], (sums.get(m[side]) ?? 0) + weight(m));
    const all = [...sums].sort((a, b) => b[1] - a[1]);
    const kept = new Set(all.slice(0, endsMost).map(([name]) => name));
    const others = `${count(all.length - kept.size)} others`;
    return (name) => (kept.has(name) ? name : others);
  };
  const from = total('source');
  const to = total('node');
  const pairs = new Map();
  for (const m of moves) {
    const key = JSON.stringify([from(m.source), to(m.node)]);
    const p = pairs.get(key) ?? {from: from(m.source), to: to(m.node), weight: 0, moves: 0, rows: 0};
    p.weight += weight(m);
    p.rows += Number(m.rows);
    ++p.moves;
    pairs.set(key, p);
  }
  return [...pairs.values()].sort((a, b) => b.weight - a.weight);
}

/** Bands from the nodes that give to the nodes that take, as wide as they have rows. */
export function flows(moves, width) {
  const pairs = paired(moves);
  const wide = clamp(width);
  const gap = 8;
  const smallest = 14; // so that each name has a line of its own
  const sum = pairs.reduce((total, p) => total + p.weight, 0);
  const scale = Math.min(260, 60 + 20 * pairs.length) / sum;
  const side = (name) => {
    const ends = new Map();
    for (const p of pairs) {
      const e = ends.get(p[name]) ?? {weight: 0, rows: 0, used: 0};
      e.weight += p.weight;
      e.rows += p.rows;
      ends.set(p[name], e);
    }
    let y = 2;
    for (const e of ends.values()) {
      e.y = y;
      e.height = Math.max(smallest, e.weight * scale);
      y += e.height + gap;
    }
    return {ends, height: y};
  };
  const left = side('from');
  const right = side('to');
  const height = Math.max(left.height, right.height);
  const x0 = labelWidth;
  const x1 = wide - labelWidth;
  const middle = (x0 + x1) / 2;
  const bands = pairs.map((p) => {
    const a = left.ends.get(p.from);
    const b = right.ends.get(p.to);
    const ha = (p.weight / a.weight) * a.height;
    const hb = (p.weight / b.weight) * b.height;
    const ya = a.y + a.used;
    const yb = b.y + b.used;
    a.used += ha;
    b.used += hb;
    return svg('path', {class: 'flow', 'data-from': p.from, 'data-to': p.to,
      d: `M${x0 + 5},${ya} C${middle},${ya} ${middle},${yb} ${x1 - 5},${yb} V${yb + hb} C${middle},${yb + hb} ${middle},${ya + ha} ${x0 + 5},${ya + ha} Z`},
    svg('title', null, `${p.from} → ${p.to}: ${counted(p.moves, 'move')} of ${counted(p.rows, 'row')}`));
  });
  const labels = (ends, x, xText, more) => [...ends].map(([name, e]) => svg('g', null, svg('rect', {class: 'stop', x, y: e.y, width: 5, height: e.height}),
    svg('text', {x: xText, y: e.y + e.height / 2, class: more}, shortened(name, 20))));
  return h('div', null,
    h('p', {class: 'legend'}, h('span', null, 'left: nodes that give'), h('span', null, 'right: nodes that take'), h('span', null, 'as wide as the rows that go there')),
    h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'moves from node to node'},
      svg('svg', {class: 'drawing', width: wide, height, viewBox: `0 0 ${wide} ${height}`, role: 'img', 'aria-label': `${counted(moves.length, 'move')} from ${counted(left.ends.size, 'node')} to ${counted(right.ends.size, 'node')}`},
        bands, labels(left.ends, x0, x0 - 8, 'end'), labels(right.ends, x1 - 5, x1 + 8, ''))));
}
