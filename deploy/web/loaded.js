// How far a collection is loaded, and what it waits for: columns that overview and list of collections share.
import {h, link, state} from './dom.js';
import {count} from './format.js';
import {to} from './route.js';

/** Of a LoadedCollection; without one it is released. */
export function loadState(c) {
  if (!c.status || c.status === 'released')
    return state('idle', 'released');
  if (c.status !== 'loaded')
    return state('busy', c.status);
  if (!c.queryable)
    return state('bad', 'not served');
  return Number(c.serviceableReplicas) < Number(c.replicaNumber) || c.waitsFor ? state('warn', 'loaded, lacks') : state('ok', 'loaded');
}

export const explainLink = (subject, name, more = {}) => h('a', {href: to('explain', subject, name, more), 'aria-label': `explain ${subject} ${name}`}, 'explain');

/** What it waits for, with the way to why. */
export const waits = (c) => (c.waitsFor ? h('span', null, h('span', {class: 'how', title: c.waitsFor}, c.waitsFor), ' ', explainLink('collection', c.name)) : '');

export function progress(percentage) {
  return h('span', {class: 'progress'}, h('span', {class: 'meter', 'aria-hidden': 'true'}, h('span', {style: {width: `${percentage}%`}})), `${percentage}%`);
}

export const loadedColumns = [
  {label: 'Collection', head: true, width: '16%', cell: (c) => link(to('collection', c.name), c.name)},
  {label: 'State', width: '8.5rem', cell: loadState},
  {label: 'Loaded', width: '9rem', cell: (c) => progress(c.percentage)},
  {label: 'Replicas', number: true, width: '6rem', cell: (c) => `${c.serviceableReplicas} of ${c.replicaNumber}`},
  {label: 'Segments', number: true, width: '6rem', cell: (c) => count(c.segments)},
  {label: 'Waits for', cell: waits},
];
