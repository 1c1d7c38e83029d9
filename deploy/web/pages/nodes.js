// The query nodes: state, when they were last heard, what they hold and lead; and the groups that they are in.
import {ask, orNull} from '../api.js';
import {h, link, state} from '../dom.js';
import {count, duration, millis} from '../format.js';
import {list} from '../list.js';
import {explainLink} from '../loaded.js';
import * as names from '../names.js';
import {nodeState} from '../nodes.js';
import {to} from '../route.js';

export const title = 'Nodes';

const groupsMost = 50; // described one by one
const heardEveryMs = 2_000; // when a node was last heard, no event tells

export async function show(page, route, context) {
  let most = 1;
  const shown = list(context, {
    name: 'nodes', title: 'Query nodes', key: (n) => n.id, order: 'name', empty: 'no nodes; start one with muster node',
    text: (n) => `${n.name} ${n.id} ${n.state} ${n.address} ${n.suspended ? 'drained' : ''} ${n.labels.map((l) => `${l.key}=${l.value}`).join(' ')}`,
    columns: [
      {id: 'name', label: 'Node', head: true, width: '14%', sort: (n) => n.name, cell: (n) => link(to('node', n.id), n.name)},
      {id: 'id', label: 'Id', number: true, width: '5rem', sort: (n) => Number(n.id), cell: (n) => n.id},
      {id: 'state', label: 'State', width: '13rem', sort: (n) => n.state + n.suspended, cell: (n) => h('span', null, nodeState(n), n.state !== 'connected' || n.stopping || n.suspended ? [' ', explainLink('node', n.name)] : null)},
      {id: 'heard', label: 'Heard', number: true, width: '7rem', sort: (n) => -millis(n.lastHeard), cell: (n) => heard(n)},
      {id: 'segments', label: 'Segments', number: true, width: '7rem', sort: (n) => Number(n.segments), cell: (n) => count(n.segments)},
      {id: 'rows', label: 'Rows', number: true, width: '8rem', sort: (n) => Number(n.rows), cell: (n) => count(n.rows)},
      {id: 'load', label: 'Of the fullest', width: '8rem', cell: (n) => h('span', {class: 'meter', 'aria-hidden': 'true'}, h('span', {style: {width: `${(100 * Number(n.rows)) / most}%`}}))},
      {id: 'leads', label: 'Leads', number: true, width: '5rem', sort: (n) => Number(n.channels), cell: (n) => count(n.channels)},
      {id: 'address', label: 'Address', sort: (n) => n.address, cell: (n) => n.address},
    ],
  });
  const groups = list(context, {
    name: 'groups', title: 'Resource groups', key: (g) => g.name, prefix: 'groups-', empty: 'none',
    columns: [
      {label: 'Group', head: true, cell: (g) => g.name},
      {label: 'Requests', number: true, cell: (g) => count(g.config.requests)},
      {label: 'Limits', number: true, cell: (g) => count(g.config.limits)},
      {label: 'Nodes', number: true, cell: (g) => count(g.nodes.length)},
      {label: 'Connected', number: true, cell: (g) => count(g.availableNodes)},
      {label: 'Replicas', number: true, cell: (g) => count(g.replicas.reduce((total, r) => total + Number(r.count), 0))},
      {label: 'State', cell: (g) => (g.nodes.length < g.config.requests ? state('bad', `lacks ${g.config.requests - g.nodes.length}`) : state('ok', 'complete'))},
    ],
  });
  page.append(h('h1', null, title), shown.element, groups.element);

  await context.refresh(async () => {
    const [status, listed] = await Promise.all([ask('getStatus', {parts: ['nodes']}, {tried: 'reading the nodes'}), ask('listQueryNode')]);
    const more = new Map(listed.nodes.map((n) => [n.id, n]));
    names.learnNodes(status.nodes);
    most = Math.max(1, ...status.nodes.map((n) => Number(n.rows)));
    shown.update(status.nodes.map((n) => ({...n, stopping: more.get(n.id)?.state === 'Stopping', suspended: more.get(n.id)?.suspended === true, lastHeard: more.get(n.id)?.lastHeard ?? '0'})));
  }, {on: (e) => e.node !== '0', everyMs: heardEveryMs});
  await context.refresh(async () => {
    const {names: all} = await ask('listResourceGroups', {}, {tried: 'reading the resource groups'});
    const described = await Promise.all(all.slice(0, groupsMost).map((name) => orNull(ask('describeResourceGroup', {name}), 'resource_group_not_found')));
    groups.update(described.filter((g) => g !== null).map((g) => g.group));
  }, {on: (e) => e.kind === 'groupChanged' || e.kind === 'replicaChanged' || e.kind.startsWith('node')});
}

function heard(n) {
  const at = millis(n.lastHeard);
  return at === 0 ? (n.state === 'gone' ? 'gone' : 'never') : `${duration(Math.max(0, Date.now() - at))} ago`;
}
