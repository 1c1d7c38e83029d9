// Tasks in flight and of late, the newest first, as they begin and end.
import {ask} from '../api.js';
import {h, link, state} from '../dom.js';
import {duration} from '../format.js';
import {collectionLink, nodeLink} from '../happenings.js';
import {list} from '../list.js';
import * as names from '../names.js';
import {to} from '../route.js';

export const title = 'Tasks';

const shapes = {waiting: 'idle', started: 'busy', running: 'busy', succeeded: 'ok', failed: 'bad', canceled: 'warn'};
const choices = [['', 'all'], ['flight', 'in flight'], ['failed', 'failed or canceled']];
const chosen = {'': () => true, flight: (t) => t.end === '', failed: (t) => t.status === 'failed' || t.status === 'canceled'};
const limit = 1_000;

const columns = [
  {id: 'task', label: 'Task', head: true, width: '7.5rem', sort: (t) => Number(t.id), cell: (t) => link(to('explain', 'task', t.id), t.id)},
  {id: 'kind', label: 'Kind', width: '8.5rem', sort: (t) => t.kind, cell: (t) => t.kind},
  {id: 'of', label: 'Of', width: '18%', sort: (t) => `${names.collection(t.collection)} ${t.segment} ${t.channel}`, cell: (t) => h('span', null, t.segment !== '0'
    ? [link(to('explain', 'segment', t.segment, {collection: names.knowsCollection(t.collection) ? names.collection(t.collection) : ''}), `segment ${t.segment}`), ' of ', collectionLink(t.collection)]
    : [t.channel ? link(to('explain', 'channel', t.channel), t.channel) : null, ' of ', collectionLink(t.collection)])},
  {id: 'node', label: 'Node', width: '10rem', sort: (t) => names.node(t.node), cell: (t) => h('span', null, t.source !== '0' ? [nodeLink(t.source), ' → '] : null, nodeLink(t.node))},
  {id: 'status', label: 'Status', width: '8rem', sort: (t) => t.status, cell: (t) => state(shapes[t.status] ?? 'idle', t.status)},
  {id: 'age', label: 'Age', number: true, width: '5rem', sort: (t) => Number(t.ageMs), cell: (t) => duration(t.ageMs)},
  {id: 'took', label: 'Took', number: true, width: '5rem', sort: (t) => Number(t.tookMs), cell: (t) => (t.end === '' ? '' : duration(t.tookMs))},
  {id: 'why', label: 'Why, and how it ended', cell: (t) => {
    const words = [t.reason, t.end + (t.error ? `: ${t.error}` : '')].filter((part) => part !== '').join('; ');
    return h('span', {class: 'how', title: words}, words); // its link explains the task, with all of it
  }},
];

export async function show(page, route, context) {
  let tasks = [];
  const choice = h('select', {'aria-label': 'which tasks', onchange: () => {
    context.setQuery({status: choice.value});
    update();
  }}, choices.map(([value, text]) => h('option', {value}, text)));
  choice.value = context.query('status');
  const of = context.query('collection');
  const shown = list(context, {name: 'tasks', title: of ? `Tasks of ${of}` : 'Tasks in flight and of late', key: (t) => t.id, columns, order: '-task', tools: [choice], empty: 'no tasks, in flight or of late',
    text: (t) => `${t.id} ${t.kind} ${t.segment} ${t.channel} ${names.collection(t.collection)} ${names.node(t.node)} ${names.node(t.source)} ${t.status} ${t.reason} ${t.end} ${t.error} ${t.proposer}`});
  const update = () => shown.update(tasks.filter(chosen[choice.value] ?? chosen['']));
  page.append(h('h1', null, title), shown.element);
  await context.refresh(async () => {
    tasks = (await ask('listTasks', {collection: of, limit}, {tried: 'reading the tasks'})).tasks;
    await names.know(tasks);
    update();
  }, {on: (e) => e.task !== '0'});
}
