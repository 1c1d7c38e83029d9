// The actors of the coordinator: who restarts whom, how full their mailboxes are, how long they work, what failed last.
import {action} from '../actions.js';
import {ask} from '../api.js';
import {facts, h, link, put, section, sparkline, state} from '../dom.js';
import {byName, count, duration, micros, rate} from '../format.js';
import {list} from '../list.js';
import {to} from '../route.js';
import {asTree, History} from '../trees.js';

export const title = 'Actors';

const everyMs = 1_500; // no event tells how full a mailbox is

/** Those that lose nothing by a new start; another one is refused by the coordinator, with the reason. */
const restartable = new Set(['inspector', 'resource_observer', 'replica_observer', 'segment_checker', 'channel_checker', 'leader_checker', 'index_checker', 'balance_checker']);

function restart(context, name, after) {
  return action(context, {
    action: 'restart-actor', key: name, label: 'Restart', title: `Restart ${name}`, after,
    look: async () => {
      const [a] = (await ask('listActors', {name}, {tried: `reading actor ${name}`})).actors;
      return {lines: [`${name} ends and begins anew, as when it fails. It loses no durable thing; it reads the whole situation again.`
        + (Number(a.queued) > 0 ? ` The ${count(a.queued)} messages in its mailbox are lost with it, and asked for anew.` : ' Its mailbox is empty.')
        + (name === 'inspector' ? ' The events and decisions that it keeps are forgotten.' : '')]};
    },
    run: async () => {
      await ask('restartActor', {name}, {tried: `restarting ${name}`});
      return `${name} was restarted`;
    },
  });
}

function details(a) {
  const counts = (all) => h('ul', {class: 'counts'}, [...all].sort((x, y) => byName(x.type, y.type)).map((c) => h('li', null, `${c.type} `, h('strong', null, count(c.count)))));
  return [facts([
    ['kind', a.kind], ['owner', a.owner], ['state', a.state], ['queued', Number(a.queued) > 0 ? `${count(a.queued)}, the oldest for ${duration(a.oldestMs)}` : '0'], ['handled', count(a.handled)],
    ['handler times', `half within ${micros(a.handlerP50Us)}, 99 of 100 within ${micros(a.handlerP99Us)}, the slowest ${micros(a.handlerMaxUs)}`],
    ['in handlers', micros(a.handlerTotalUs)], ['restarts', count(a.restarts)], ['failures', count(a.failures)], ['waits for', a.waitingFor || 'nothing'], ['last failure', a.lastFailure || 'none'],
  ]), a.counters.length > 0 ? [h('h3', null, 'Counts'), counts(a.counters)] : null, a.handledByType.length > 0 ? [h('h3', null, 'Messages handled'), counts(a.handledByType)] : null];
}

export async function show(page, route, context) {
  const history = new History();
  let again = () => {};
  const one = h('div');
  const oneSection = section('', {tools: [link(to('actors'), 'close')]}, one);
  const shown = list(context, {
    name: 'actors', title: 'Actors', caption: 'Actors of the coordinator, below those that restart them', key: (a) => a.name, empty: 'no actors',
    text: (a) => `${a.name} ${a.kind} ${a.owner} ${a.state} ${a.lastFailure} ${a.waitingFor}`,
    columns: [
      {id: 'name', label: 'Actor', head: true, width: '16%', sort: (a) => a.name, cell: (a) => h('span', {class: 'branch', style: {paddingLeft: `${a.depth * 16}px`}}, link(to('actors', {actor: a.name, sort: context.query('sort'), filter: context.query('filter')}), a.name))},
      {id: 'state', label: 'State', width: '6.5rem', sort: (a) => a.state, cell: (a) => state(a.state === 'running' ? 'ok' : 'bad', a.state)},
      {id: 'queued', label: 'Queued', number: true, width: '4.5rem', sort: (a) => Number(a.queued), cell: (a) => count(a.queued)},
      {id: 'mailbox', label: 'Mailbox', width: '7.5rem', cell: (a) => sparkline(history.queued(a.name), {most: 4})},
      {id: 'oldest', label: 'Oldest', number: true, width: '4.5rem', sort: (a) => Number(a.oldestMs), cell: (a) => (Number(a.queued) > 0 ? duration(a.oldestMs) : '')},
      {id: 'rate', label: 'Msg/s', number: true, width: '4.5rem', sort: (a) => history.rate(a.name), cell: (a) => rate(history.rate(a.name))},
      {id: 'handled', label: 'Handled', number: true, width: '6rem', sort: (a) => Number(a.handled), cell: (a) => count(a.handled)},
      {id: 'p50', label: 'P50', number: true, width: '5rem', sort: (a) => Number(a.handlerP50Us), cell: (a) => micros(a.handlerP50Us)},
      {id: 'p99', label: 'P99', number: true, width: '5.5rem', sort: (a) => Number(a.handlerP99Us), cell: (a) => micros(a.handlerP99Us)},
      {id: 'max', label: 'Max', number: true, width: '5.5rem', sort: (a) => Number(a.handlerMaxUs), cell: (a) => micros(a.handlerMaxUs)},
      {id: 'restarts', label: 'Restarts', number: true, width: '5rem', sort: (a) => a.restarts, cell: (a) => count(a.restarts)},
      {id: 'remark', label: 'Last failure, waits for', sort: (a) => a.lastFailure + a.waitingFor, cell: (a) => h('span', {class: 'clip', title: [a.lastFailure, a.waitingFor].filter((t) => t).join('; ')}, a.lastFailure ? state('bad', a.lastFailure) : null, a.lastFailure && a.waitingFor ? '; ' : '', a.waitingFor ? `waits for ${a.waitingFor}` : '')},
      ...(context.readOnly ? [] : [{label: '', width: '5.5rem', cell: (a) => (restartable.has(a.name) ? restart(context, a.name, () => again()) : '')}]),
    ],
  });
  const chosen = context.query('actor');
  page.append(h('h1', null, title), ...(chosen ? [oneSection] : []), shown.element);
  again = await context.refresh(async () => {
    const {actors} = await ask('listActors', {}, {tried: 'reading the actors'});
    history.add(actors);
    shown.update(asTree(actors, context.query('sort') === ''));
    if (!chosen)
      return;
    const a = actors.find((each) => each.name === chosen);
    put(oneSection.querySelector('h2'), chosen);
    put(one, a ? details(a) : h('p', {class: 'empty'}, `no actor is called ${chosen} any more`));
  }, {everyMs});
}
