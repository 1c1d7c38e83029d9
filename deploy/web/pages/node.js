// One node: its state, what it leads and holds, what happened to it, and how to take it out of service.
import {ask, orNull, Refusal} from '../api.js';
import {drain, resumeNode} from '../changes.js';
import {facts, h, link, put, section, state} from '../dom.js';
import {bytes, count, dateTime, duration, millis} from '../format.js';
import {timeline} from '../happenings.js';
import {list} from '../list.js';
import {explainLink} from '../loaded.js';
import * as names from '../names.js';
import {nodeState} from '../nodes.js';
import {to} from '../route.js';

export const title = 'Node';

const heardEveryMs = 2_000;

/** What a node has of each collection; nothing when it is gone. */
async function heldOf(node) {
  const all = [];
  for (let after = '0'; node.state !== 'gone';) {
    const answer = await orNull(ask('placementMap', {measure: 'rows', node: node.id, after}, {tried: `reading what ${node.name} holds`}), 'node_not_found');
    all.push(...(answer?.holdings ?? []));
    if (!answer || answer.next === '0' || answer.next === undefined)
      return all;
    after = answer.next;
  }
  return all;
}

export async function show(page, route, context) {
  const wanted = route.parts[0] ?? '';
  let node = null;
  let again = () => {};
  const head = h('h1');
  const about = h('div');
  const tools = h('span');
  const holdings = list(context, {
    name: 'holdings', title: 'Holds', caption: 'What the node holds of each collection', key: (c) => `${c.collection}/${c.replica}`, order: '-rows', prefix: 'holds-', text: (c) => c.name, empty: 'it holds nothing',
    columns: [
      {id: 'name', label: 'Collection', head: true, width: '40%', sort: (c) => c.name, cell: (c) => (c.name ? link(to('collection', c.name), c.name) : state('warn', `collection ${c.collection}, released`))},
      {id: 'replica', label: 'Replica', number: true, sort: (c) => Number(c.replica), cell: (c) => (c.replica === '0' ? state('warn', 'none') : link(to('explain', 'replica', c.replica), c.replica))},
      {id: 'segments', label: 'Segments', number: true, sort: (c) => Number(c.segments), cell: (c) => count(c.segments)},
      {id: 'rows', label: 'Rows', number: true, sort: (c) => Number(c.rows), cell: (c) => count(c.rows)},
      {id: 'bytes', label: 'Files', number: true, sort: (c) => Number(c.bytes), cell: (c) => bytes(c.bytes)},
      {id: 'channels', label: 'Leads', number: true, sort: (c) => Number(c.channels), cell: (c) => count(c.channels)},
    ],
  });
  const leads = list(context, {
    name: 'leads', title: 'Leads', caption: 'Channels that the node leads', key: (c) => c, prefix: 'leads-', text: (c) => c, empty: 'it leads no channel',
    columns: [{label: 'Channel', head: true, cell: (c) => c}, {label: '', cell: (c) => explainLink('channel', c)}],
  });

  async function look() {
    const [status, listed] = await Promise.all([ask('getStatus', {parts: ['nodes']}, {tried: `reading node ${wanted}`}), ask('listQueryNode')]);
    names.learnNodes(status.nodes);
    const found = status.nodes.find((n) => n.id === wanted || n.name === wanted);
    if (!found)
      throw new Refusal(`showing node ${wanted}`, {name: 'node_not_found', reason: 'no node has this id or name; the page of nodes lists those that are known'});
    const more = listed.nodes.find((n) => n.id === found.id);
    node = {...found, stopping: more?.state === 'Stopping', suspended: more?.suspended === true, lastHeard: more?.lastHeard ?? '0'};
    const heard = millis(node.lastHeard);
    put(head, `${node.name} `, h('small', null, nodeState(node)));
    document.title = `${node.name} · Muster`;
    put(tools, explainLink('node', node.name), ' ', node.suspended ? resumeNode(context, () => node, () => again()) : node.state === 'gone' ? null : drain(context, () => node, () => again()));
    put(about, facts([['id', node.id], ['address', node.address], ['heard', heard === 0 ? (node.state === 'gone' ? 'no more' : 'never') : `${duration(Math.max(0, Date.now() - heard))} ago`],
      ['rows', figure('rows', node.rows)], ['segments', figure('segments', node.segments)], ['leads', figure('channels', node.channels)], ['memory', node.memoryMb > 0 ? `${count(node.memoryMb)} MiB` : 'not said'],
      ['labels', node.labels.map((l) => `${l.key}=${l.value}`).join(', ') || 'none'], ['started', node.incarnation === '0' ? '' : dateTime(node.incarnation).slice(0, 19) + ' UTC']]));
  }

  async function lookInside() {
    const [all, held, explained] = await Promise.all([heldOf(node), node.state === 'gone' ? null : orNull(ask('getQueryNodeDistribution', {node: node.id}), 'node_not_found', 'node_offline'), ask('explain', {subject: 'node', name: node.id})]);
    names.learnCollections(all.filter((c) => c.name).map((c) => ({id: c.collection, name: c.name})));
    holdings.update(all);
    leads.update(held?.channels ?? []);
    const e = explained.explanation;
    put(why, facts([['wanted', e.desired], ['is', e.actual], ['cause', e.served ? '' : `${e.cause}: ${e.causeText}`], ['unblocked by', e.served ? '' : e.unblockText]]));
    why.firstChild.classList.add('tall');
  }

  await look();
  const why = h('div');
  const events = timeline(context, {name: 'timeline', title: 'Timeline', subject: 'node', of: node.id, mine: (e) => e.node === node.id || e.source === node.id});
  page.append(head, section('Node', {tools: [h('span', {class: 'total'}), tools]}, about, why), h('div', {class: 'pair wide'}, holdings.element, leads.element), events.element);
  again = await context.refresh(look, {on: (e) => e.node === node.id || e.source === node.id, everyMs: heardEveryMs});
  await context.refresh(lookInside, {on: (e) => e.node === node.id || e.source === node.id || e.kind === 'replicaChanged'});
  await context.refresh(events.first);
}

const figure = (name, value) => h('span', {'data-figure': name, 'data-value': value}, count(value));
