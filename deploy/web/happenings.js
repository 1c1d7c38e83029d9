// Events as rows: what happened to what, in the words of `muster events`, with links to all that an event is about.
import {ask} from './api.js';
import {h, link, state} from './dom.js';
import {dateTime, measure, micros, millis, score, snake, time} from './format.js';
import {list} from './list.js';
import * as names from './names.js';
import {to} from './route.js';

const shapes = {
  nodeGone: 'bad', leaderLost: 'bad', journalFailed: 'bad', actorFailed: 'bad', loadGivenUp: 'bad', pullFailed: 'bad', nodeRefused: 'bad',
  nodeSuspect: 'warn', nodeStopping: 'warn', nodeSuspended: 'warn',
  nodeJoined: 'ok', collectionLoaded: 'ok', targetPromoted: 'ok', leaderServes: 'ok', pullRecovered: 'ok', journalRecovered: 'ok', nodeResumed: 'ok', actorRestarted: 'ok',
  collectionLoading: 'busy', taskAdmitted: 'busy',
};

/** Ends that only say that there was nothing to do any more. */
const quietEnds = new Set(['done', 'replaced', 'premise_gone', '']);

function shape(event) {
  if (event.kind === 'taskEnded')
    return quietEnds.has(event.outcome) ? 'ok' : 'warn';
  return shapes[event.kind] ?? 'idle';
}

export const nodeLink = (id) => (id && id !== '0' ? link(to('node', id), names.node(id)) : null);

export function collectionLink(id) {
  if (!id || id === '0')
    return null;
  return names.knowsCollection(id) ? link(to('collection', names.collection(id)), names.collection(id)) : names.collection(id);
}

/** "segment 42 of words, replica 7, node-1 to node-2", each a link. */
export function about(e) {
  const parts = [];
  if (e.segment && e.segment !== '0')
    parts.push(['segment ', link(to('explain', 'segment', e.segment, {collection: names.knowsCollection(e.collection) ? names.collection(e.collection) : ''}), e.segment)]);
  if (e.channel)
    parts.push(['channel ', link(to('explain', 'channel', e.channel), e.channel)]);
  if (e.collection && e.collection !== '0')
    parts.push(collectionLink(e.collection));
  if (e.replica && e.replica !== '0')
    parts.push(['replica ', link(to('explain', 'replica', e.replica), e.replica)]);
  if (e.source && e.source !== '0')
    parts.push([nodeLink(e.source), ' to ', nodeLink(e.node)]);
  else if (e.node && e.node !== '0')
    parts.push(nodeLink(e.node));
  return h('span', null, parts.map((part, i) => [i > 0 ? ', ' : '', part]));
}

/** How it ended, how long it took, and what there is to say. */
function more(e) {
  const words = [];
  if (e.outcome)
    words.push(e.outcome);
  if (e.tookUs && e.tookUs !== '0')
    words.push(`after ${micros(e.tookUs)}`);
  return [words.join(' '), e.text].filter((part) => part !== '' && part !== undefined).join(': ');
}

/** Why a task was begun, in one line; nothing for other events. */
export function decisionText(d) {
  if (!d || (d.rule === '' && d.winner === '0'))
    return '';
  const parts = [d.rule];
  if (d.winner !== '0')
    parts.push(`${names.node(d.winner)} scores ${score(d.score)}`);
  if (d.runnerUp !== '0')
    parts.push(`next best ${names.node(d.runnerUp)} ${score(d.runnerUpScore)}`);
  if (d.gain !== 0)
    parts.push(`gain ${measure(d.gain)}`);
  return `${parts.join(', ')}; on situation ${d.situation}, target ${d.targetVersion}`;
}

export const eventColumns = [
  {id: 'at', label: 'Time (UTC)', width: '8rem', cell: (e) => h('time', {datetime: dateTime(e.at).replace(' UTC', 'Z').replace(' ', 'T'), title: dateTime(e.at)}, time(e.at))},
  {id: 'kind', label: 'What', width: '11.5rem', cell: (e) => state(shape(e), snake(e.kind))},
  {id: 'of', label: 'Of', width: '42%', cell: about},
  {id: 'more', label: 'How', cell: (e) => h('span', {class: 'how', title: decisionText(e.decision) || more(e)}, e.task && e.task !== '0' ? [link(to('explain', 'task', e.task), `${snake(e.taskKind)} ${e.task}`), ' '] : null, more(e),
    e.decision ? h('small', {class: 'why'}, ` ${decisionText(e.decision)}`) : null)},
];

export const eventText = (e) => [snake(e.kind), snake(e.taskKind), e.task, e.segment, e.channel, names.collection(e.collection), names.node(e.node), names.node(e.source), e.outcome, e.text, e.decision?.rule, e.traceId].join(' ');

/** What is worth telling to somebody who asks what changed: not each task and request, but those that failed. */
export function notable(e) {
  if (e.kind === 'taskEnded')
    return !quietEnds.has(e.outcome);
  return e.kind !== 'taskAdmitted' && e.kind !== 'requestReceived' && e.kind !== 'requestAnswered';
}

/** Whether an event that comes is about the subject; what came before, the coordinator picks. */
export function isAbout(subject, name) {
  switch (subject) {
    case '': return () => true;
    case 'channel': return (e) => e.channel === name;
    case 'trace': return (e) => e.traceId === name;
    case 'node': return (e) => [e.node, e.source].some((id) => id !== '0' && (id === name || names.node(id) === name));
    case 'collection': return (e) => e.collection !== '0' && (e.collection === name || names.collection(e.collection) === name);
    default: return (e) => e[subject] === name;
  }
}

/**
 * Events of one subject (or all), the newest first, that grow by what comes: {name, title, subject, of, mine(event), keep, limit}.
 * `first` is the first look; it also runs again when the coordinator is back. While `paused()`, what comes is left out until then.
 */
export function timeline(context, {name, title, subject = '', of = '', mine = () => true, keep = 500, limit = 200, empty = 'no events are known', since = 0, paused = () => false, ...more}) {
  const shown = list(context, {name, title, columns: eventColumns, key: (e) => e.number, empty, ...more});
  let events = [];

  async function first() {
    const answer = await ask('listEvents', {subject, name: String(of), limit}, {tried: `reading the events${subject ? ` of ${subject} ${of}` : ''}`, signal: context.signal});
    events = answer.events.filter((e) => (subject !== '' || mine(e)) && millis(e.at) >= since).reverse().slice(0, keep); // of a subject, the coordinator has picked them
    await names.know(events);
    shown.update(events);
  }

  let turn = Promise.resolve();
  context.listen((come) => {
    if (!paused())
      turn = turn.then(() => grow(come)); // one after the other, whatever names have to be asked for
  });

  async function grow(come) {
    if (subject !== '')
      await names.know(come); // it may be given by its name
    const newest = events.length > 0 ? BigInt(events[0].number) : 0n;
    const added = come.filter((e) => BigInt(e.number) > newest && mine(e)).reverse();
    if (added.length === 0)
      return;
    events = [...added, ...events].slice(0, keep);
    await names.know(added);
    if (!context.signal.aborted)
      shown.update(events);
  }
  return {element: shown.element, first};
}
