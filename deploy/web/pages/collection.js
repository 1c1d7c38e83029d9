// One collection: how far it is loaded, its shards and who leads them, its replicas, targets and segments, and what happened to it.
import {ask, orNull, readJson} from '../api.js';
import {loadCollection, moveChannel, moveSegment, releaseCollection} from '../changes.js';
import {facts, h, link, put, section, state} from '../dom.js';
import {bytes, count, counted} from '../format.js';
import {nodeLink, timeline} from '../happenings.js';
import {list} from '../list.js';
import {explainLink, loadState, progress} from '../loaded.js';
import * as names from '../names.js';
import {to} from '../route.js';
import {joinSegments, lackOf, targetRows} from '../targets.js';

export const title = 'Collection';

const pagesMost = 50; // of the catalogue's list of segments, 4,000 each
const targetsMost = 50_000; // segments; of more, targets are told by their counts alone
const inLineMost = 6; // nodes named in a cell

const nodesOf = (ids) => h('span', null, ids.slice(0, inLineMost).map((id, i) => [i > 0 ? ', ' : '', nodeLink(id)]),
  ids.length > inLineMost ? h('span', {title: ids.map(names.node).join(', ')}, ` and ${ids.length - inLineMost} more`) : null);

async function segmentsOfCatalogue(collection) {
  const all = [];
  let after = '0';
  for (let i = 0; i < pagesMost; ++i) {
    const answer = await orNull(ask('listSegments', {collection, after}), 'collection_not_found');
    if (answer === null)
      break;
    all.push(...answer.segments);
    after = answer.nextAfter;
    if (after === '0')
      break;
  }
  return all;
}

const target = (name, scope) => readJson(`/debug/targets?collection=${encodeURIComponent(name)}&scope=${scope}`).then((all) => all[0] ?? null);

export async function show(page, route, context) {
  const name = route.parts.join('/');
  let collection = null; // as the catalogue says, with what the load says
  let replicas = [];
  let again = () => {};
  const head = h('h1');
  const tools = h('span', {class: 'tools'});
  const about = h('div');

  const shards = list(context, {
    name: 'shards', title: 'Shards', caption: 'Shards and their leaders in each replica', key: (s) => s.channel, prefix: 'shards-', order: 'channel', empty: 'it is not loaded: nobody leads its shards',
    columns: [
      {id: 'channel', label: 'Channel', head: true, width: '22%', sort: (s) => s.channel, cell: (s) => s.channel},
      {id: 'leaders', label: 'Leaders', cell: leadersOf},
      {label: '', width: '9rem', cell: (s, now) => h('span', null, explainLink('channel', s.channel), ' ', moveChannel(context, {channel: s.channel, leaders: () => now().leaders.map((l) => l.leader), replicas: () => replicas, after: () => again()}))},
    ],
  });
  const replicaList = list(context, {
    name: 'replicas', title: 'Replicas', caption: 'Replicas, their nodes and resource groups', key: (r) => r.id, prefix: 'replicas-', order: 'id', empty: 'it is not loaded: it has no replicas',
    columns: [
      {id: 'id', label: 'Replica', head: true, sort: (r) => Number(r.id), cell: (r) => r.id},
      {id: 'group', label: 'Group', sort: (r) => r.resourceGroup, cell: (r) => r.resourceGroup},
      {id: 'nodes', label: 'Nodes', width: '32%', cell: (r) => (r.nodes.length > 0 ? nodesOf(r.nodes) : state('bad', 'none'))},
      {id: 'leaves', label: 'Leaves', cell: (r) => nodesOf(r.readOnlyNodes)},
      {id: 'served', label: 'Channels served', cell: (r) => served(r)},
      {label: '', cell: (r) => explainLink('replica', r.id)},
    ],
  });
  const targets = list(context, {
    name: 'targets', title: 'Targets', caption: 'Current and next target', key: (t) => t.scope, prefix: 'targets-', empty: 'it is not loaded: it has no target',
    columns: [
      {label: 'Target', head: true, cell: (t) => t.scope},
      {label: 'Version', number: true, cell: (t) => t.version},
      {label: 'Segments', number: true, cell: (t) => count(t.segments)},
      {label: 'Rows', number: true, cell: (t) => count(t.rows)},
      {label: 'Channels', number: true, cell: (t) => count(t.channels)},
      {label: 'State', cell: (t) => state(t.kind, t.state)},
    ],
  });
  const segments = list(context, {
    name: 'segments', title: 'Segments', caption: 'Segments of catalogue and targets, and where they are', key: (s) => s.id, prefix: 'segments-', order: 'id', empty: 'it has no segments',
    text: (s) => `${s.id} ${s.channel} ${s.partition} ${s.index} ${s.in} ${s.nodes.map(names.node).join(' ')} ${lackOf(s, replicas)}`,
    columns: [
      {id: 'id', label: 'Segment', head: true, width: '7rem', sort: (s) => Number(s.id), cell: (s) => link(to('explain', 'segment', s.id, {collection: name}), s.id)},
      {id: 'channel', label: 'Channel', width: '14%', sort: (s) => s.channel, cell: (s) => s.channel},
      {id: 'partition', label: 'Partition', width: '8rem', sort: (s) => s.partition, cell: (s) => s.partition},
      {id: 'rows', label: 'Rows', number: true, width: '6rem', sort: (s) => Number(s.rows), cell: (s) => count(s.rows)},
      {id: 'bytes', label: 'Files', number: true, width: '5.5rem', sort: (s) => Number(s.bytes), cell: (s) => bytes(s.bytes)},
      {id: 'index', label: 'Index', width: '7rem', sort: (s) => s.index, cell: (s) => s.index},
      {id: 'in', label: 'Target', width: '8rem', sort: (s) => s.in, cell: (s) => s.in || 'none'},
      {id: 'where', label: 'Where', sort: (s) => lackOf(s, replicas) + s.nodes.length, cell: (s) => whereIs(s)},
      ...(context.readOnly ? [] : [{label: '', width: '5rem', cell: (s, now) => (s.nodes.length > 0 ? moveSegment(context, {now, replicas: () => replicas, after: () => again()}) : '')}]),
    ],
  });

  function leadersOf(s) {
    return h('ul', {class: 'lines'}, s.leaders.map((l) => h('li', null, `replica ${l.replica} `, l.leader === '0' ? state('bad', 'no leader') : [nodeLink(l.leader), ' ', l.serviceable ? state('ok', 'serves') : state('bad', 'cannot be searched')])));
  }

  function served(r) {
    const good = r.shards.filter((s) => s.serviceable).length;
    return state(good === r.shards.length && good > 0 ? 'ok' : 'bad', `${good} of ${r.shards.length}`);
  }

  function whereIs(s) {
    const lack = lackOf(s, replicas);
    return h('span', null, nodesOf(s.nodes), lack ? [' ', state(s.in ? 'bad' : 'idle', lack), ' ', s.in ? explainLink('segment', s.id, {collection: name}) : null] : null);
  }

  async function look() {
    const described = await orNull(ask('describeCollection', {collection: name}, {tried: `reading collection ${name}`}), 'collection_not_found');
    const released = described?.collection.loadStatus === 'released';
    const [loaded, inReplicas] = await Promise.all([
      released ? null : orNull(ask('showLoadCollections', {collections: [name]}, {tried: `reading collection ${name}`}), 'collection_not_loaded'),
      released ? null : orNull(ask('getReplicas', {collection: name, withShardNodes: true}), 'collection_not_loaded', 'collection_not_found'), names.knowNodes()]);
    const load = loaded?.collections[0] ?? {status: 'released', replicaNumber: 0, serviceableReplicas: 0, percentage: 0, currentVersion: '0', nextVersion: '0', waitsFor: '', queryable: true};
    if (!described && !loaded)
      await ask('describeCollection', {collection: name}, {tried: `showing collection ${name}`}); // its refusal says what is wrong
    const d = described?.collection ?? {id: load.id, segments: load.segments, rows: load.rows, bytes: '0', channels: [], partitions: [], properties: []};
    collection = {...load, ...d, name, status: load.status};
    names.learnCollections([collection]);
    replicas = inReplicas?.replicas ?? [];
    put(head, `${name} `, h('small', null, loadState(collection)));
    put(tools, explainLink('collection', name), ' ', link(to('whatif', {collection: name}), 'what if'), ' ', link(to('tasks', {collection: name}), 'tasks'), ' ',
      collection.status === 'released' ? loadCollection(context, collection, () => again()) : releaseCollection(context, collection, () => again()));
    put(about, collection.waitsFor ? h('p', {class: 'notice warn'}, 'waits for: ', collection.waitsFor, ' ', explainLink('collection', name)) : null, facts([
      ['id', collection.id], ['loaded', collection.status === 'released' ? 'no' : progress(collection.percentage)], ['replicas that serve', collection.status === 'released' ? '' : `${collection.serviceableReplicas} of ${collection.replicaNumber}`],
      ['segments', count(collection.segments)], ['rows', count(collection.rows)], ['files', bytes(collection.bytes)], ['metric', collection.metric], ['dimension', collection.dimension],
      ['loads', collection.loadType === 'partition' ? 'named partitions' : collection.loadType === 'collection' ? 'all partitions' : ''],
      ['partitions', collection.partitions.map((p) => p.name).slice(0, 8).join(', ') + (collection.partitions.length > 8 ? ` and ${collection.partitions.length - 8} more` : '')],
      ['properties', collection.properties.map((p) => `${p.key}=${p.value}`).join(', ')]]));
    replicaList.update(replicas);
    const channels = new Map();
    for (const r of replicas)
      for (const s of r.shards)
        channels.set(s.channel, [...(channels.get(s.channel) ?? []), {...s, replica: r.id}]);
    shards.update([...channels].map(([channel, leaders]) => ({channel, leaders})));
  }

  async function lookAtSegments() {
    const released = collection.status === 'released';
    const small = Number(collection.segments) <= targetsMost;
    const [catalogue, held, current, next] = await Promise.all([segmentsOfCatalogue(name),
      released ? null : orNull(ask('getLoadSegmentInfo', {collection: name}), 'collection_not_loaded', 'collection_not_found'),
      released || !small || collection.currentVersion === '0' ? null : target(name, 'current'), released || !small || collection.nextVersion === '0' ? null : target(name, 'next')]);
    const partitions = new Map(collection.partitions.map((p) => [p.id, p.name]));
    const joined = joinSegments({catalogue, held: held?.segments ?? [], current, next, partitions, targetsRead: small});
    segments.update(joined);
    targets.update(targetRows(collection, current, next, joined, replicas));
  }

  await look();
  const events = timeline(context, {name: 'timeline', title: 'Timeline', subject: 'collection', of: collection.id, mine: (e) => e.collection === collection.id, empty: `no events of it are known`});
  page.append(head, section('Collection', {tools: [h('span', {class: 'total'}, counted(collection.channels.length, 'shard')), tools]}, about),
    h('div', {class: 'pair'}, shards.element, replicaList.element), targets.element, segments.element, events.element);
  const mine = (e) => e.collection === collection.id || /^node/.test(e.kind) || e.kind === 'groupChanged';
  const lookAll = await context.refresh(async () => {
    await look();
    await lookAtSegments();
  }, {on: mine});
  again = lookAll;
  await context.refresh(events.first);
}
