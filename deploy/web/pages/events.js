// What happens, as it happens, the newest first: all of it, or what one subject is concerned by.
import {h, link} from '../dom.js';
import {eventColumns, eventText, isAbout, timeline} from '../happenings.js';
import {to} from '../route.js';

export const title = 'Events';

const subjects = ['', 'segment', 'channel', 'replica', 'collection', 'node', 'task', 'trace'];
const kept = 2_000;
const asked = 500;

export async function show(page, route, context) {
  const subject = subjects.includes(context.query('subject')) ? context.query('subject') : '';
  const name = context.query('name');
  let paused = false;
  let again = () => {};
  const which = h('select', {id: 'event-subject', name: 'subject'}, subjects.map((s) => h('option', {value: s}, s || 'everything')));
  which.value = subject;
  const of = h('input', {id: 'event-name', name: 'name', type: 'text', autocomplete: 'off', spellcheck: 'false', value: name});
  const form = h('form', {onsubmit: (event) => {
    event.preventDefault();
    location.hash = to('events', {subject: of.value.trim() ? which.value : '', name: which.value ? of.value.trim() : '', filter: context.query('filter')});
  }}, h('p', {class: 'field'}, h('label', {for: 'event-subject'}, 'Of'), which), h('p', {class: 'field'}, h('label', {for: 'event-name'}, 'Its id or name'), of), h('button', {type: 'submit'}, 'Show'));
  const pause = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    pause.textContent = paused ? 'Go on' : 'Pause';
    if (!paused)
      again();
  }}, 'Pause');
  const trace = {id: 'trace', label: 'Request', width: '5rem', cell: (e) => {
    if (e.traceId === '0')
      return '';
    const all = link(to('events', {subject: 'trace', name: e.traceId}), 'trace');
    all.title = `all events of trace ${e.traceId}`;
    return all;
  }};
  const isMine = isAbout(subject, name);
  const events = timeline(context, {name: 'events', title: subject ? `Events of ${subject} ${name}` : 'Events, live', subject, of: name, mine: isMine, paused: () => paused, keep: kept, limit: asked,
    columns: [...eventColumns, trace], text: eventText, tools: [pause], empty: subject ? `no events are known of ${subject} ${name}` : 'nothing has happened yet'});
  page.append(h('h1', null, title), h('section', {'aria-label': 'subject'}, form), events.element);
  again = await context.refresh(events.first);
}
