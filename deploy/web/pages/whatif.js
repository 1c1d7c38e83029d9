// What Muster would do if nodes came or went, or settings were others: nothing is touched; the address says what was asked.
import {ask, Mistake, Refusal, sentence} from '../api.js';
import {bars, flows} from '../drawing.js';
import {figures, h, link, put, section} from '../dom.js';
import {count, counted, measure} from '../format.js';
import {list} from '../list.js';
import {to} from '../route.js';
import {wholeNumber} from '../changes.js';

export const title = 'What-if';

const deadlineMs = 60_000; // a large cluster takes its time

/** "a, b" or "a b" -> ["a", "b"]. */
const words = (text) => text.split(/[\s,]+/).filter((word) => word !== '');

function asked(context) {
  return {collection: context.query('collection'), addNodes: context.query('addNodes'), removeNodes: context.queries('removeNodes').flatMap(words), settings: context.queries('settings').flatMap(words), moves: context.query('moves')};
}

function form(given) {
  const said = h('span', {role: 'alert'});
  const inputs = {};
  const field = (name, label, value, hint, list) => {
    inputs[name] = h('input', {id: `whatif-${name}`, name, type: 'text', autocomplete: 'off', spellcheck: 'false', value, placeholder: hint, list, inputmode: name === 'addNodes' || name === 'moves' ? 'numeric' : null});
    return h('p', {class: 'field'}, h('label', {for: `whatif-${name}`}, label), inputs[name]);
  };
  return h('form', {onsubmit: (event) => {
    event.preventDefault();
    const text = (name) => inputs[name].value.trim();
    try {
      for (const [name, label] of [['addNodes', 'Add nodes'], ['moves', 'Moves to name']])
        if (text(name) !== '')
          wholeNumber(label, text(name));
      const wrong = words(text('settings')).find((s) => !/^[^=]+=/.test(s));
      if (wrong)
        throw new Mistake(`"${wrong}" is no setting; write KEY=VALUE`);
    } catch (error) {
      put(said, error.message);
      return;
    }
    const hash = to('whatif', {collection: text('collection'), addNodes: text('addNodes'), removeNodes: words(text('removeNodes')), settings: words(text('settings')), moves: text('moves'), run: true});
    if (hash === location.hash)
      dispatchEvent(new HashChangeEvent('hashchange')); // the same again: things may have changed
    else
      location.hash = hash;
  }}, field('collection', 'Collection', given.collection, 'all that are loaded'), field('addNodes', 'Add nodes', given.addNodes, '0'), field('removeNodes', 'Remove nodes', given.removeNodes.join(', '), 'names or ids'),
  field('settings', 'Settings of balance', given.settings.join(', '), 'KEY=VALUE, KEY=VALUE'), field('moves', 'Moves to name', given.moves, '100'), h('button', {type: 'submit', class: 'main'}, 'Ask'), said);
}

const moveColumns = [
  {id: 'collection', label: 'Collection', width: '18%', sort: (m) => m.collection, cell: (m) => link(to('collection', m.collection), m.collection)},
  {id: 'replica', label: 'Replica', number: true, width: '6rem', sort: (m) => Number(m.replica), cell: (m) => m.replica},
  {id: 'what', label: 'What', head: true, width: '18%', sort: (m) => m.segment + m.channel, cell: (m) => (m.segment && m.segment !== '0' ? link(to('explain', 'segment', m.segment, {collection: m.collection}), `segment ${m.segment}`) : link(to('explain', 'channel', m.channel), m.channel))},
  {id: 'from', label: 'From', width: '16%', sort: (m) => m.source, cell: (m) => m.source},
  {id: 'to', label: 'To', width: '16%', sort: (m) => m.node, cell: (m) => m.node},
  {id: 'rows', label: 'Rows', number: true, width: '8rem', sort: (m) => Number(m.rows), cell: (m) => count(m.rows)},
  {id: 'gain', label: 'Gain', number: true, sort: (m) => m.gain, cell: (m) => measure(m.gain)},
];

const then = (id, label, before, after) => [
  {id, label, number: true, width: '8rem', sort: (n) => Number(n[before]), cell: (n) => count(n[before])},
  {id: `${id}-then`, label: 'Then', number: true, width: '8rem', sort: (n) => Number(n[after]), cell: (n) => (n[before] === n[after] ? count(n[after]) : h('strong', null, count(n[after])))},
];

const loadColumns = [
  {id: 'node', label: 'Node', head: true, width: '22%', sort: (n) => n.node, cell: (n) => n.node},
  ...then('rows', 'Rows', 'rowsBefore', 'rowsAfter'), ...then('segments', 'Segments', 'segmentsBefore', 'segmentsAfter'), ...then('leads', 'Leads', 'channelsBefore', 'channelsAfter'),
];

export async function show(page, route, context) {
  const given = asked(context);
  page.append(h('h1', null, title), section('If…', {}, form(given)));
  if ([...route.query.keys()].every((name) => /sort|filter/.test(name))) {
    page.append(h('p', {class: 'empty'}, 'Ask what would move if nodes were added or removed, or settings of balance were others. With nothing filled in: what balance would do now. Nothing is touched.'));
    return;
  }
  let answer;
  try {
    answer = await ask('whatIf', {
      collection: given.collection, addNodes: given.addNodes === '' ? 0 : wholeNumber('Add nodes', given.addNodes), removeNodes: given.removeNodes,
      settings: given.settings.map((s) => ({key: s.slice(0, s.indexOf('=')), value: s.slice(s.indexOf('=') + 1)})), moves: given.moves === '' ? 0 : wholeNumber('Moves to name', given.moves),
    }, {tried: 'asking what would be', deadline: deadlineMs, signal: context.signal});
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof Mistake))
      throw error;
    page.append(h('div', {class: 'notice bad', role: 'alert'}, sentence(error))); // the form stays: a letter may be wrong
    return;
  }
  const strip = figures({before: 'potential now', after: 'potential then', moves: 'moves', rows: 'rows moved', unplaced: 'without a node', collections: 'collections looked at'});
  strip.set({before: [answer.before, measure(answer.before)], after: [answer.after, measure(answer.after), answer.before > 0 ? `(${change(answer)})` : ''], moves: [answer.total, count(answer.total)],
    rows: [answer.rows, count(answer.rows)], unplaced: [answer.unplaced, count(answer.unplaced)], collections: [answer.collections, count(answer.collections)]});
  const keyed = answer.moves.map((m, i) => ({...m, segment: m.segment ?? '0', channel: m.channel ?? '', key: i}));
  const loads = list(context, {name: 'loads', title: 'Nodes before and after', key: (n) => n.node, columns: loadColumns, text: (n) => n.node, prefix: 'loads-', empty: 'no nodes'});
  const moves = list(context, {name: 'moves', title: answer.total > keyed.length ? `The first ${count(keyed.length)} of ${counted(answer.total, 'move')}` : 'Moves, in order', key: (m) => m.key, columns: moveColumns,
    text: (m) => `${m.collection} ${m.segment} ${m.channel} ${m.source} ${m.node}`, prefix: 'moves-', empty: 'nothing would move'});
  loads.update(answer.nodes);
  moves.update(keyed);
  const drawnBars = h('div');
  const drawnFlows = h('div');
  page.append(section('What would be', {}, strip.element, answer.unplaced > 0 ? h('p', {class: 'notice warn'}, `${counted(answer.unplaced, 'segment or channel', 'segments and channels')} would have no node: add nodes, or remove fewer.`) : null),
    section('Rows of each node', {}, drawnBars), ...(keyed.length > 0 ? [section('From node to node', {tools: [h('span', {class: 'total'}, counted(keyed.length, 'move'))]}, drawnFlows)] : []), loads.element, moves.element);
  let width = 0;
  const watch = new ResizeObserver(() => {
    if (drawnBars.clientWidth === width)
      return;
    width = drawnBars.clientWidth;
    put(drawnBars, bars(answer.nodes, width));
    if (keyed.length > 0)
      put(drawnFlows, flows(keyed, width));
  });
  watch.observe(drawnBars);
  context.signal.addEventListener('abort', () => watch.disconnect());
}

function change({before, after}) {
  const percent = (100 * (after - before)) / before;
  return `${percent > 0 ? '+' : ''}${percent.toFixed(Math.abs(percent) < 1 ? 4 : 1)}%`;
}
