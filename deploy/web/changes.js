// The changes that more than one page offers: each says beforehand what it will do, in numbers of now.
import {action} from './actions.js';
import {ask, Mistake, Unanswered} from './api.js';
import {bytes, count, counted} from './format.js';
import * as names from './names.js';

const loadDeadlineMs = 120_000; // it answers when the collection can be searched
const movesMost = 200; // choices of a move that a person may be asked to look through

export function loadCollection(context, c, after) {
  return action(context, {
    action: 'load-collection', key: c.id, label: 'Load', title: `Load ${c.name}`, after,
    look: async () => ({
      lines: [`${counted(c.segments, 'segment')} (${count(c.rows)} rows, ${bytes(c.bytes)}) are loaded by query nodes of its resource groups, in each replica. It can be searched when all of them are there; it stays loaded over restarts until it is released.`],
      fields: [{name: 'replicas', label: 'Replicas', value: '0', hint: '0: as the collection, its database or the cluster says, else 1'}],
    }),
    run: async ({replicas}) => {
      try {
        await ask('loadCollection', {collection: c.name, replicaNumber: wholeNumber('Replicas', replicas)}, {tried: `loading ${c.name}`, deadline: loadDeadlineMs});
      } catch (error) {
        if (error instanceof Unanswered)
          throw new Unanswered(error.tried, 'it could not be searched within two minutes; it goes on, and its page says what it waits for');
        throw error;
      }
      return `${c.name} can be searched`;
    },
  });
}

export function releaseCollection(context, c, after) {
  return action(context, {
    action: 'release-collection', key: c.id, label: 'Release', title: `Release ${c.name}`, danger: true, after,
    look: async () => ({lines: [`${c.name} can no longer be searched: all nodes give up its ${counted(c.segments, 'segment')} (${count(c.rows)} rows) in ${counted(c.replicaNumber ?? 1, 'replica')}. Its data stays in the store; loading it again takes as long as the first time.`]}),
    run: async () => {
      await ask('releaseCollection', {collection: c.name}, {tried: `releasing ${c.name}`, deadline: loadDeadlineMs});
      return `${c.name} is released; no node holds anything of it`;
    },
  });
}

export function wholeNumber(what, text) {
  const trimmed = String(text).trim();
  if (!/^\d+$/.test(trimmed))
    throw new Mistake(`${what} is "${text}"; give a whole number, such as 0 or 2`);
  return Number(trimmed);
}

/** From each of `sources` to each other read-write node of the same replica, as choices of a select. */
function choices(sources, replicas) {
  const out = [];
  for (const replica of replicas)
    for (const source of sources)
      if ([...replica.nodes, ...replica.readOnlyNodes].includes(source))
        for (const destination of replica.nodes)
          if (destination !== source && out.length < movesMost)
            out.push([`${source}>${destination}`, `${names.node(source)} → ${names.node(destination)} (replica ${replica.id})`]);
  return out;
}

function mover(context, {name, key, what, sources, replicas, lines, send, after}) {
  return action(context, {
    action: name, key, label: 'Move', title: `Move ${what}`, after,
    look: async () => {
      await names.knowNodes();
      const options = choices(sources(), replicas());
      if (options.length === 0)
        throw new Mistake('there is no other read-write node in its replicas that it could go to; add a node to their resource group');
      return {lines, fields: [{name: 'move', label: 'From and to', options}]};
    },
    run: async ({move}) => {
      const [source, destination] = move.split('>');
      const {moves} = await send(source, destination);
      return `moving ${what} from ${names.node(source)} to ${names.node(destination)} has begun (${counted(moves, 'task')}); the list of tasks says how it goes`;
    },
  });
}

/** `now()`: the row of the segment as it is, with the ids of its `nodes`; `replicas()` as getReplicas says. */
export function moveSegment(context, {now, replicas, after}) {
  const segment = now().id;
  return mover(context, {
    name: 'move-segment', key: segment, what: `segment ${segment}`, sources: () => now().nodes, replicas, after,
    lines: [`The new node loads it (${count(now().rows)} rows, ${bytes(now().bytes)}), the leader of its channel routes there, and only then the old copy is released: it is searched throughout.`,
      'Balance may move it again when that makes loads more even.'],
    send: (source, destination) => ask('transferSegment', {segment, source, destination}, {tried: `moving segment ${segment}`}),
  });
}

export function moveChannel(context, {channel, leaders, replicas, after}) {
  return mover(context, {
    name: 'move-channel', key: channel, what: `channel ${channel}`, sources: leaders, replicas, after,
    lines: ['The new node takes over the lead: it gets the whole view of the channel first, then searches go there, and only then the old leader gives it up. Segments stay where they are.',
      'Balance may move it again when that makes loads more even.'],
    send: (source, destination) => ask('transferChannel', {channel, source, destination}, {tried: `moving channel ${channel}`}),
  });
}

/** Takes a node from its resource group, and says what that means for what it holds now. */
export function drain(context, node, after) {
  return action(context, {
    action: 'suspend-node', key: node().id, label: 'Drain', title: `Drain ${node().name}`, danger: true, after,
    look: async () => {
      const n = node();
      const [held, balance, checkers, then] = await Promise.all([ask('getQueryNodeDistribution', {node: n.id}), ask('checkBalanceStatus'), ask('listCheckers', {checkers: ['balance_checker']}),
        ask('whatIf', {removeNodes: [n.name], moves: 1}).catch(() => null)]);
      const lines = [`It is taken from its resource group and kept out, over restarts too, until it is resumed. Replicas leave it step by step: the ${counted(held.segments.length, 'segment')} (${count(n.rows)} rows) that it holds and the ${counted(held.channels.length, 'channel')} that it leads go to other nodes, searched throughout.`];
      if (then)
        lines.push(`By today's rules that would be ${counted(then.total, 'move')} of ${counted(then.rows, 'row')}.`);
      if (then && then.unplaced > 0)
        lines.push(`There is no node for ${counted(then.unplaced, 'of them', 'of them')}: they stay on ${n.name} until a node joins.`);
      if (!balance.active || !checkers.checkers[0]?.active)
        lines.push('Moves are not proposed now (balance is suspended, or balance_checker is off): nothing leaves the node until they are.');
      return {lines};
    },
    run: async () => {
      await ask('suspendNode', {node: node().id}, {tried: `draining ${node().name}`});
      return `${node().name} is taken from its resource group, and replicas leave it step by step, until it is resumed`;
    },
  });
}

export function resumeNode(context, node, after) {
  return action(context, {
    action: 'resume-node', key: node().id, label: 'Resume', title: `Resume ${node().name}`, after,
    look: async () => ({lines: ['It may be a member of a resource group again. A group that lacks nodes takes it, its replicas may take it too, and balance gives it segments.']}),
    run: async () => {
      await ask('resumeNode', {node: node().id}, {tried: `resuming ${node().name}`});
      return `${node().name} may be a member of a resource group again`;
    },
  });
}
