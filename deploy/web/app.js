// The page around the pages: header, navigation, routes, whether the coordinator answers, and what all pages need.
import {hush} from './actions.js';
import {ask, deadlineMs, Mistake, readJson, Refusal, sentence, Unanswered} from './api.js';
import {h, put, state} from './dom.js';
import {lookNow, onLoss, onReturn, unreachable, watchLink} from './link.js';
import * as live from './live.js';
import {paced} from './pace.js';
import {changed, parse, to} from './route.js';

const pages = {overview: 'Overview', map: 'Map', collections: 'Collections', nodes: 'Nodes', tasks: 'Tasks', events: 'Events', actors: 'Actors',
  explain: 'Explain', whatif: 'What-if', settings: 'Settings'};
const within = {collection: 'collections', node: 'nodes'}; // pages of one thing, and the list they belong to

const page = document.getElementById('page');
let identity = {};
let leave = new AbortController();
let refreshers = []; // of the page that is shown
let broken = true; // it could not be shown, so it is begun anew when the coordinator answers

/** What a page gets: its address, what happens, and when to look again. */
function contextOf(route, signal) {
  return {
    signal,
    route,
    get readOnly() {
      return identity.readOnly === true;
    },
    query: (name) => route.query.get(name) ?? '',
    queries: (name) => route.query.getAll(name),
    setQuery(values) {
      const hash = changed(route, values);
      route.query = parse(hash).query;
      history.replaceState(null, '', hash);
    },
    listen(call) {
      const stop = live.listen((events, leftOut) => call(events, leftOut));
      signal.addEventListener('abort', stop);
    },
    /** Does `work` now, and again when one of the events that come is `on` it, every `everyMs`, and when the coordinator is back. */
    async refresh(work, {on, everyMs} = {}) {
      const again = paced(async () => {
        try {
          await work();
          trouble(null);
        } catch (error) {
          if (!signal.aborted)
            trouble(error);
        }
      }, {signal, leastMs: Math.min(everyMs ?? 1_000, 1_000)});
      if (on)
        this.listen((events, leftOut) => {
          if (leftOut > 0 || events.some(on))
            again();
        });
      if (everyMs) {
        const timer = setInterval(() => document.hidden || unreachable() || again(), everyMs);
        signal.addEventListener('abort', () => clearInterval(timer));
      }
      refreshers.push(again);
      await work();
      return again;
    },
  };
}

/** Says that what is shown could not be brought up to date; null: it could. */
function trouble(error) {
  const there = document.getElementById('trouble');
  if (error === null || error instanceof Unanswered) { // an unreachable coordinator is told by #link
    there?.remove();
    return;
  }
  const box = there ?? h('div', {id: 'trouble', role: 'alert', class: 'notice warn'});
  put(box, sentence(error), ' What is below is as it was before.');
  if (!there)
    document.getElementById('notices').append(box);
}

function showFailure(title, error) {
  page.replaceChildren(h('h1', null, title), h('div', {class: 'notice bad', role: 'alert'}, sentence(error)),
    h('p', null, h('button', {type: 'button', onclick: open}, 'Try again')));
}

/** The module of a page; it comes from the coordinator, too. */
async function fetched(name) {
  try {
    return await Promise.race([import(`./pages/${name}.js`), new Promise((_, give) => setTimeout(give, deadlineMs, new TypeError('late')))]);
  } catch (error) {
    if (!(error instanceof TypeError)) // a mistake in it
      throw error;
    lookNow();
    throw new Unanswered(`opening the page ${name}`, 'the coordinator cannot be reached');
  }
}

async function open() {
  leave.abort();
  leave = new AbortController();
  const {signal} = leave;
  refreshers = [];
  trouble(null);
  const route = parse(location.hash);
  const known = Object.hasOwn(pages, route.page) || Object.hasOwn(within, route.page);
  page.setAttribute('aria-busy', 'true');
  page.dataset.page = route.page;
  for (const item of document.querySelectorAll('#navigation a')) {
    const here = item.dataset.page === (within[route.page] ?? route.page);
    here ? item.setAttribute('aria-current', 'page') : item.removeAttribute('aria-current');
    if (here)
      item.scrollIntoView({block: 'nearest', inline: 'nearest'}); // on a narrow screen the navigation scrolls
  }
  page.replaceChildren();
  const note = h('p', {class: 'empty waiting'}, 'asking the coordinator…'); // hidden as soon as there is anything else
  const waiting = setTimeout(() => page.childElementCount === 0 && page.append(note), 300);
  const title = pages[route.page] ?? route.page;
  broken = true;
  try {
    if (!known)
      throw new Mistake(`there is no page "${route.page}"; the links above lead to those that there are`);
    const module = await fetched(route.page);
    if (signal.aborted)
      return;
    page.replaceChildren();
    document.title = `${[module.title, ...route.parts].join(' · ')} · Muster`;
    await module.show(page, route, contextOf(route, signal));
    broken = false;
  } catch (error) {
    if (signal.aborted)
      return;
    if (![Refusal, Unanswered, Mistake].some((told) => error instanceof told))
      console.error(error); // a mistake in a page
    showFailure(title, error);
  } finally {
    clearTimeout(waiting);
    note.remove();
  }
  if (!signal.aborted)
    page.setAttribute('aria-busy', 'false');
}

function refreshAll() {
  showHealth();
  if (broken)
    open();
  else
    for (const again of refreshers)
      again();
}

const showHealth = paced(async () => {
  const place = document.getElementById('health');
  try {
    const [ready, health] = await Promise.all([readJson('/readyz'), ask('checkHealth')]);
    const dark = health.notQueryable.length;
    put(place, link(!ready.ready ? ['bad', `not ready: ${ready.reasons[0] ?? ready.state}`]
      : !health.healthy ? ['warn', `degraded: ${health.reasons[0] ?? 'see the overview'}`]
        : dark > 0 ? ['bad', `${dark === 100 ? '100 or more' : dark} ${dark === 1 ? 'collection' : 'collections'} cannot be searched`]
          : ['ok', 'healthy']));
  } catch (error) {
    if (!(error instanceof Unanswered)) // whether it can be reached, link.js knows better
      put(place, link(['bad', sentence(error)]));
  }
  function link([kind, words]) {
    return h('a', {href: to('overview')}, state(kind, words));
  }
}, {leastMs: 1_000});

async function meet(answer) {
  const before = identity;
  identity = answer;
  put(document.getElementById('identity'), `epoch ${answer.epoch} · ${answer.version ?? ''}`, answer.readOnly ? h('strong', {class: 'tag'}, 'read-only') : null);
  if (before.epoch !== undefined && BigInt(answer.epoch) < BigInt(before.epoch))
    await live.forget(); // another coordinator, whose events are numbered from lower on
  if (before.epoch !== undefined && (before.epoch !== answer.epoch || before.readOnly !== answer.readOnly))
    before.readOnly !== answer.readOnly ? open() : refreshAll(); // another start of the coordinator
}

function changesHealth(event) {
  return !/^(task|request)/.test(event.kind);
}

async function begin() {
  put(document.getElementById('navigation'), Object.entries(pages).map(([name, words]) =>
    h('li', null, h('a', {href: to(name), 'data-page': name}, words))));
  await watchLink(meet); // what may be done is known before the first page is shown
  onReturn(refreshAll);
  onLoss(() => put(document.getElementById('health'), state('bad', 'unreachable')));
  await live.start(lookNow);
  live.listen((events) => events.some(changesHealth) && showHealth());
  addEventListener('hashchange', () => {
    hush();
    scrollTo(0, 0);
    open();
    page.focus({preventScroll: true});
  });
  let hidden = 0;
  document.addEventListener('visibilitychange', () => {
    if (document.hidden)
      hidden = performance.now();
    else if (performance.now() - hidden > 2_000)
      refreshAll(); // more may have happened than the stream still has
  });
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault(); // its hash would be taken for a page
    page.focus();
  });
  showHealth();
  await open();
}

begin();
