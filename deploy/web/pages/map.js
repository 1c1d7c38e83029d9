// The placement map: nodes by collections, coloured by what a node has of them.
import {ask} from '../api.js';
import {figures, h, link, put, section} from '../dom.js';
import {bytes as bytesText, count} from '../format.js';
import {colours, mapView, valueOf} from '../map_view.js';
import * as names from '../names.js';
import {to} from '../route.js';
import {table} from '../table.js';

export const title = 'Map';

const measures = {rows: 'rows', memory: 'memory', replica: 'replica'};

/** Events after which something may be elsewhere. */
const moves = /^(taskEnded|node(Joined|Gone|Suspect)|collection(Loaded|Released)|replicaChanged)$/;

export async function show(page, route, context) {
  let measure = Object.hasOwn(measures, context.query('measure')) ? context.query('measure') : 'rows';
  let least = Math.min(Math.max(Number(context.query('least')) || 1, 1), 255);
  const part = {after: context.query('after') || '0', count: Number(context.query('count')) || 0};
  let map = {nodes: [], columns: [], least: 0, most: 0};
  let levels = new Uint32Array(256); // how many cells have each byte
  let chosen = null; // [node, column]
  let drawing = false;
  let marked = false;

  const inWords = (value) => (measure === 'memory' ? bytesText(Math.round(value)) : `${count(Math.round(value))} ${Math.round(value) === 1 ? 'row' : 'rows'}`);
  const readout = h('p', {id: 'readout', class: 'readout', role: 'status', 'aria-live': 'polite'}, 'Point at a cell, or focus the map and use the arrow keys.');
  const view = mapView({pick, point, describedBy: 'readout'});
  const legend = h('div', {class: 'legend'});
  const nothing = h('p', {class: 'empty', hidden: true}, 'Nothing to show: no collection is loaded, or no node is there.');
  const details = h('div');
  const sums = figures({nodes: 'nodes', collections: 'collections', shown: 'cells shown'});

  const select = h('select', {id: 'measure', value: measure, onchange: () => {
    measure = select.value;
    context.setQuery({measure: measure === 'rows' ? '' : measure});
    again();
  }}, Object.entries(measures).map(([value, words]) => h('option', {value}, words)));
  select.value = measure;
  const threshold = h('input', {id: 'threshold', type: 'range', min: 1, max: 255, value: least, oninput: () => {
    least = Number(threshold.value);
    draw();
  }, onchange: () => context.setQuery({least: least === 1 ? '' : least})});
  const atLeast = h('output', {id: 'at-least', for: 'threshold'});
  const dragged = h('span', {class: 'threshold'}, h('label', {for: 'threshold'}, 'at least'), threshold, atLeast);
  const whole = h('a', {href: to('map', {measure: measure === 'rows' ? '' : measure})}, 'all collections');

  page.append(h('h1', null, title), sums.element,
    section('What is where', {tools: [h('label', {for: 'measure'}, 'coloured by'), select, dragged, part.count > 0 ? whole : null]}, nothing, view.element, readout, legend),
    details);

  /** In the next frame, however often it is asked for until then. */
  function draw() {
    if (drawing)
      return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      view.draw(colours(view.canvas, {replica: measure === 'replica', least}));
      tellThreshold();
      if (!marked && map.nodes.length > 0) {
        marked = true;
        setTimeout(() => performance.mark('map-painted')); // the frame is on its way to the screen
      }
    });
  }

  function tellThreshold() {
    const words = least === 1 ? 'anything' : inWords(valueOf(least, map));
    put(atLeast, words);
    threshold.setAttribute('aria-valuetext', words);
    let shown = 0;
    for (let level = measure === 'replica' ? 1 : least; level < 256; ++level)
      shown += levels[level];
    sums.set({shown: [shown, count(shown), `of ${count(map.nodes.length * map.columns.length)}`]});
  }

  const columnName = (c) => (c.count === 1 ? c.firstName || `collection ${c.first}` : `${c.firstName || c.first} … ${c.lastName || c.last} (${count(c.count)} collections)`);

  function cellWords(line, column) {
    const level = view.byte(line, column);
    if (level === 0)
      return 'nothing';
    if (measure === 'replica')
      return level === 255 ? 'in various replicas, or in none of them' : `replica ${level}`;
    return level === 255 ? inWords(map.most) : level === 1 ? inWords(0) : `about ${inWords(valueOf(level, map))}`;
  }

  function point(line, column) {
    put(readout, h('strong', null, map.nodes[line].name), ` × ${columnName(map.columns[column])}: ${cellWords(line, column)}`);
  }

  async function pick(line, column) {
    chosen = [map.nodes[line], map.columns[column]];
    await explain();
    details.querySelector('h2')?.focus();
  }

  /** What the node has of the collections of the chosen cell. */
  async function explain() {
    if (!chosen)
      return;
    const [node, column] = chosen;
    const answer = await ask('placementMap', {node: node.node, after: String(BigInt(column.first) - 1n), count: column.count}, {tried: `reading what ${node.name} has`, signal: context.signal});
    const holdings = table({
      name: 'holdings', caption: `What ${node.name} has of ${columnName(column)}`, key: (x) => x.collection, empty: 'nothing',
      columns: [
        {label: 'Collection', head: true, width: '24%', cell: (x) => (x.name ? link(to('collection', x.name), x.name) : `${x.collection} (released)`)},
        {label: 'Replica', number: true, width: '8rem', cell: (x) => (x.replica === '0' ? 'none' : x.replica)},
        {label: 'Segments', number: true, width: '8rem', cell: (x) => count(x.segments)},
        {label: 'Rows', number: true, width: '9rem', cell: (x) => count(x.rows)},
        {label: 'Memory', number: true, width: '9rem', cell: (x) => bytesText(x.bytes)},
        {label: 'Leads', number: true, width: '6rem', cell: (x) => count(x.channels)},
        {label: 'Why', cell: (x) => (x.name ? link(to('explain', 'collection', x.name), 'explain') : '')},
      ],
    });
    holdings.update(answer.holdings);
    const heading = section(`${node.name}${node.state === 'connected' ? '' : ` (${node.state})`} × ${columnName(column)}`, {tools: [
      link(to('node', node.node), 'node'), link(to('explain', 'node', node.node), 'explain node'),
      column.count > 1 ? link(to('map', {measure: measure === 'rows' ? '' : measure, after: String(BigInt(column.first) - 1n), count: column.count}), 'only these collections') : null,
    ]}, holdings.element);
    heading.querySelector('h2').tabIndex = -1;
    details.replaceChildren(heading);
  }

  function tellLegend() {
    const replica = measure === 'replica';
    dragged.hidden = replica;
    if (replica) {
      const most = Math.min(map.most, 6);
      put(legend, Array.from({length: most}, (_, i) => h('span', null, h('i', {class: 'swatch', 'data-replica': i + 1}), `replica ${i + 1}${map.most > 6 ? `, ${i + 7}, …` : ''}`)),
        h('span', null, h('i', {class: 'swatch', 'data-replica': 'various'}), 'various, or none'));
      return;
    }
    put(legend, h('span', null, h('i', {class: 'swatch', 'data-level': 'nothing'}), 'nothing'), h('span', null, h('i', {class: 'swatch', 'data-level': 'under'}), 'less'),
      h('span', null, inWords(map.least), h('i', {class: 'swatch ramp'}), inWords(map.most)), h('span', null, 'equal steps of colour are equal factors'));
  }

  const again = await context.refresh(async () => {
    const asked = measure;
    const answer = await ask('placementMap', {measure, ...(part.count > 0 ? {after: part.after, count: part.count} : {})}, {tried: 'reading the placement map', signal: context.signal});
    if (asked !== measure)
      return; // another one is on its way
    map = answer;
    names.learnNodes(map.nodes.map((n) => ({id: n.node, name: n.name})));
    view.take(map.nodes, map.columns);
    levels = new Uint32Array(256);
    view.each((level) => ++levels[level]);
    const collections = map.columns.reduce((sum, c) => sum + c.count, 0);
    sums.set({nodes: [map.nodes.length, count(map.nodes.length)],
      collections: [collections, count(collections), map.columns[0]?.count > 1 ? `${count(map.columns[0].count)} in a column` : '']});
    nothing.hidden = map.nodes.length > 0 && map.columns.length > 0;
    view.element.hidden = !nothing.hidden;
    readout.hidden = !nothing.hidden;
    tellLegend();
    draw();
    await explain();
  }, {on: (e) => moves.test(e.kind)});

  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', draw, {signal: context.signal});
}
