// Why something is not as it should be, or why it is where it is, and what would change that; the address says what was asked.
import {ask, sentence} from '../api.js';
import {facts, h, link, put, section, state} from '../dom.js';
import {duration, score} from '../format.js';
import {decisionText, isAbout, timeline} from '../happenings.js';
import {list} from '../list.js';
import * as names from '../names.js';
import {to} from '../route.js';

export const title = 'Explain';

const subjects = ['collection', 'segment', 'channel', 'replica', 'node', 'task'];
const verdictShapes = {chosen: 'ok', accepted: 'ok', holds_copy: 'ok', node_unavailable: 'bad', memory_full: 'bad', failing: 'bad', outside_replica: 'idle', outside_channel: 'idle'};

const decisionsAsked = 500; // events among which the last decision is looked for
const decided = new Set(['segment', 'channel', 'task']);

const verdictColumns = [
  {id: 'node', label: 'Node', head: true, width: '18%', sort: (n) => n.name, cell: (n) => link(to('node', n.node), n.name || names.node(n.node))},
  {id: 'verdict', label: 'Verdict', width: '12rem', sort: (n) => n.verdict, cell: (n) => state(verdictShapes[n.verdict] ?? 'idle', n.verdict)},
  {id: 'score', label: 'Score', number: true, width: '9rem', sort: (n) => (n.verdict.startsWith('outside') ? Infinity : n.score), cell: (n) => score(n.score)},
  {id: 'text', label: 'Numbers', cell: (n) => n.text},
];

function form(context, subject, name, collection) {
  const which = h('select', {id: 'explain-subject', name: 'subject'}, subjects.map((s) => h('option', {value: s}, s)));
  which.value = subject;
  const text = (id, value, hint) => h('input', {id, type: 'text', name: id.replace('explain-', ''), autocomplete: 'off', spellcheck: 'false', value, placeholder: hint});
  const of = text('explain-name', name, '');
  const within = text('explain-collection', collection, 'of a segment');
  const said = h('span', {role: 'status'});
  const field = (label, control) => h('p', {class: 'field'}, h('label', {for: control.id}, label), control);
  return h('form', {onsubmit: (event) => {
    event.preventDefault();
    if (of.value.trim() === '')
      return of.focus();
    location.hash = to('explain', which.value, of.value.trim(), {collection: within.value.trim()});
  }}, field('What', which), field('Its id or name', of), field('Collection', within), h('button', {type: 'submit', class: 'main'}, 'Explain'),
  name ? h('button', {type: 'button', onclick: async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      put(said, 'copied');
    } catch {
      put(said, 'copy the address of this page instead');
    }
  }}, 'Copy link') : null, said);
}

export async function show(page, route, context) {
  const [subject = 'collection', ...rest] = route.parts;
  const name = rest.join('/');
  const collection = context.query('collection');
  page.append(h('h1', null, title), h('section', {'aria-label': 'subject'}, form(context, subject, name, collection)));
  if (name === '') {
    page.append(h('p', {class: 'empty'}, 'Name a thing: a collection, node or channel by its name, the others by their id. Pages link here wherever something is not as it should be.'));
    return;
  }
  const verdict = h('h2', {class: 'verdict'});
  const answer = h('div');
  const elsewhere = h('ul', {class: 'lines'});
  const others = section('Also not as it should be', {}, elsewhere);
  const conditions = list(context, {
    name: 'conditions', title: 'Conditions', caption: 'Conditions that were looked at, in order', key: (c) => c.key, prefix: 'conditions-', empty: 'none were looked at',
    columns: [
      {label: 'Condition', width: '9rem', cell: (c) => (c.met ? state('ok', 'met') : state('bad', 'not met'))},
      {label: 'Found', head: true, cell: (c) => c.text},
      {label: 'Cause if it is not met', width: '30%', cell: (c) => c.name},
    ],
  });
  const verdicts = list(context, {
    name: 'verdicts', title: 'Nodes', caption: 'What the rules say of each node', key: (n) => n.node, prefix: 'nodes-', order: 'score', text: (n) => `${n.name} ${n.verdict} ${n.text}`, empty: 'the rules compare no nodes for this',
    columns: verdictColumns,
  });
  const why = h('p');
  const candidates = list(context, {
    name: 'candidates', title: 'How the nodes compared at the last decision', caption: 'Nodes that were compared when it was last decided where this goes', key: (n) => n.node, prefix: 'candidates-',
    empty: 'which nodes were compared is not remembered any more, or nothing was compared', columns: verdictColumns,
  });
  candidates.element.insertBefore(why, candidates.element.lastChild);
  const events = timeline(context, {name: 'timeline', title: 'Timeline', subject, of: name, mine: isAbout(subject, name)});

  /** Of a segment, channel or task: who was compared when its last task began. */
  async function lookAtDecision() {
    const answer = await ask('listEvents', {subject, name, limit: decisionsAsked, withCandidates: true}, {tried: `reading the decisions about ${subject} ${name}`, signal: context.signal});
    const last = answer.events.filter((e) => e.kind === 'taskAdmitted' && decisionText(e.decision) !== '').at(-1);
    candidates.element.hidden = last === undefined;
    put(why, last ? [link(to('explain', 'task', last.task), `${last.taskKind} ${last.task}`), `: ${decisionText(last.decision)}`] : '');
    candidates.update(last?.decision.candidates ?? []);
  }

  const refusal = h('div', {class: 'notice bad', role: 'alert', hidden: true});
  page.append(refusal);
  let shown = false;

  async function look() {
    let e;
    try {
      e = (await ask('explain', {subject, name, collection}, {tried: `explaining ${subject} ${name}`, signal: context.signal})).explanation;
    } catch (error) {
      if (shown || error.refusal === undefined)
        throw error;
      refusal.hidden = false; // the form stays: a letter may be wrong
      put(refusal, sentence(error));
      return;
    }
    refusal.hidden = true;
    put(verdict, `${e.subject} `, state(e.served ? 'ok' : 'bad', e.served ? 'as it should be' : 'not as it should be'));
    const wrong = !e.served || e.cause !== 'none';
    put(answer, facts([['wanted', e.desired], ['is', e.actual],
      ['cause', wrong ? h('span', null, h('strong', null, e.cause), e.causeText ? `: ${e.causeText}` : '', e.replica !== '0' ? [' (', link(to('explain', 'replica', e.replica), `replica ${e.replica}`), ')'] : null) : ''],
      ['since', wrong ? (Number(e.sinceMs) < 0 ? 'not known' : duration(e.sinceMs)) : ''],
      ['unblocked by', wrong ? h('span', null, h('strong', null, e.unblockedBy), e.unblockText ? `: ${e.unblockText}` : '') : ''],
      ['why here', e.whyHere], ['would move', e.wouldMove], ['read from', `situation ${e.situation}`]]));
    answer.firstChild.classList.add('tall');
    const once = new Map(e.conditions.map((c) => [`${c.name} ${c.met} ${c.text}`, c])); // an explanation within another looks at some again
    conditions.update([...once.values()].map((c, i) => ({...c, key: i})));
    verdicts.update(e.nodes);
    verdicts.element.hidden = e.nodes.length === 0;
    conditions.element.hidden = e.conditions.length === 0;
    put(elsewhere, e.elsewhere.map((line) => h('li', null, line)));
    others.hidden = e.elsewhere.length === 0;
    if (!shown) {
      page.append(h('section', {'aria-label': 'answer'}, h('div', {class: 'bar'}, verdict, h('span', {class: 'total'}), link(to('events', {subject, name}), 'its events')), answer), others, conditions.element, verdicts.element, candidates.element, events.element);
    }
    shown = true;
  }

  await context.refresh(look, {on: (e) => !e.kind.startsWith('request')});
  if (!shown)
    return;
  candidates.element.hidden = true;
  await names.knowNodes();
  if (decided.has(subject))
    await context.refresh(lookAtDecision, {on: isAbout(subject, name)});
  await context.refresh(events.first);
}
