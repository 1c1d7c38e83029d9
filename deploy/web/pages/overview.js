// Is all well, what is on its way and what does it wait for, how much happens, and what changed of late.
import {ask, read, readJson} from '../api.js';
import {figures, h, link, put, section, sparkline, state} from '../dom.js';
import {count, counted, rate} from '../format.js';
import {notable, timeline} from '../happenings.js';
import {newest} from '../live.js';
import {explainLink, loadedColumns} from '../loaded.js';
import * as names from '../names.js';
import {to} from '../route.js';
import {table} from '../table.js';

export const title = 'Overview';

const ratesEveryMs = 2_000;
const ratesKept = 60; // two minutes
const changesOfMs = 10 * 60_000;

/** Sum of all samples of a counter in Prometheus' text. */
function sum(text, name) {
  let total = 0;
  for (const line of text.split('\n'))
    if (line.startsWith(name) && (line[name.length] === '{' || line[name.length] === ' '))
      total += Number(line.slice(line.lastIndexOf(' ') + 1));
  return total;
}

function healthLines(all, ready, health, checkers, balance, drained) {
  const lines = [];
  if (!ready.ready)
    lines.push(['bad', 'not ready', ready.reasons.join('; ') || ready.state]);
  for (const reason of health.reasons)
    lines.push(['warn', 'degraded', reason]);
  for (const each of health.notQueryable.slice(0, 20)) {
    const name = each.match(/^collection (.+?): /)?.[1];
    lines.push(['bad', 'cannot be searched', name ? [each, ' ', explainLink('collection', name)] : each]);
  }
  if (health.notQueryable.length > 20)
    lines.push(['bad', 'cannot be searched', `and ${health.notQueryable.length - 20} more, at least`]);
  for (const n of all.nodes.filter((each) => each.state !== 'connected'))
    lines.push([n.state === 'gone' ? 'bad' : 'warn', n.state, link(to('nodes', {filter: n.state}), counted(n.count, 'node'))]);
  for (const checker of checkers.filter((c) => !c.active && (balance.active || c.name !== 'balance_checker'))) // suspending balance switches it off
    lines.push(['warn', 'checker off', [link(to('settings'), checker.name), ' proposes nothing until it is activated']]);
  if (!balance.active)
    lines.push(['warn', 'balance suspended', [link(to('settings'), 'no moves are proposed'), ', not even off stopping nodes']]);
  for (const node of drained)
    lines.push(['warn', 'drained', [link(to('node', node.id), node.name), ' is kept out of resource groups']]);
  if (lines.length === 0)
    lines.push(['ok', 'healthy', 'every process is well, all that is loaded can be searched, all checkers are on']);
  return lines;
}

export async function show(page, route, context) {
  const strip = figures({nodes: 'nodes', collections: 'loaded collections', loading: 'loading', notServed: 'not served', replicas: 'replicas', segments: 'copies of segments',
    rows: 'rows in them', channels: 'channels led', leaders: 'leaders that serve', tasks: 'tasks in flight'});
  const rates = figures({tasksPerSecond: 'tasks a second', eventsPerSecond: 'events a second', answersPerSecond: 'answers a second'});
  const lines = h('ul', {class: 'reasons'});
  const loads = table({name: 'unfinished', caption: 'Collections that are being loaded or cannot be searched', key: (c) => c.id, columns: loadedColumns,
    empty: 'nothing is being loaded, and all that is loaded can be searched'});
  const changes = timeline(context, {name: 'changes', title: 'What changed in the last minutes', limit: 1_000, keep: 100, since: Date.now() - changesOfMs, mine: notable,
    empty: 'nothing but tasks and requests in the last ten minutes'});
  page.append(h('h1', null, title), strip.element,
    h('div', {class: 'pair'}, section('Health', {}, lines), section('Rates', {}, rates.element)),
    section('Load progress', {}, loads.element), changes.element);

  async function look() {
    const [all, ready, health, checkers, balance, nodes] = await Promise.all([ask('overview'), readJson('/readyz'), ask('checkHealth'), ask('listCheckers'),
      ask('checkBalanceStatus'), ask('listQueryNode')]);
    const connected = all.nodes.filter((n) => n.state === 'connected').reduce((total, n) => total + Number(n.count), 0);
    const known = all.nodes.reduce((total, n) => total + Number(n.count), 0);
    strip.set({nodes: [connected, count(connected), connected === known ? '' : `of ${count(known)}`],
      ...Object.fromEntries(['collections', 'loading', 'notServed', 'segments', 'rows', 'channels', 'tasks'].map((name) => [name, [all[name], count(all[name])]]))});
    put(lines, healthLines(all, ready, health, checkers.checkers, balance, nodes.nodes.filter((n) => n.suspended))
      .map(([kind, word, text]) => h('li', null, state(kind, word), h('span', null, text))));
    names.learnCollections(all.unfinished);
    loads.update(all.unfinished);
  }

  let before = null;
  const kept = {tasks: [], events: [], answers: []};
  async function measure() {
    const text = await read('/metrics');
    const now = {at: performance.now(), tasks: sum(text, 'muster_tasks_ended_total'), answers: sum(text, 'muster_http_answers_total'), events: Number(newest() || 0)};
    if (before !== null) {
      const seconds = (now.at - before.at) / 1_000;
      for (const [name, values] of Object.entries(kept)) {
        const gained = name === 'events' && before.events === 0 ? 0 : now[name] - before[name];
        values.push(Math.max(0, gained) / seconds); // a counter falls when the coordinator starts anew
        values.splice(0, values.length - ratesKept);
      }
    }
    before = now;
    strip.set(Object.fromEntries([['replicas', 'muster_replicas'], ['leaders', 'muster_serviceable_leaders']].map(([name, of]) => [name, [sum(text, of), count(sum(text, of))]])));
    const shown = (values) => [values.at(-1) ?? 0, [values.length > 0 ? rate(values.at(-1)) : '–', sparkline(values, {most: 1})]];
    rates.set({tasksPerSecond: shown(kept.tasks), eventsPerSecond: shown(kept.events), answersPerSecond: shown(kept.answers)});
  }

  const [, again] = await Promise.all([context.refresh(look, {on: (e) => !e.kind.startsWith('request')}), context.refresh(measure, {everyMs: ratesEveryMs}), context.refresh(changes.first)]);
  again(); // a rate takes two looks
}
