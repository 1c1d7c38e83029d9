// All collections of the catalogue: what is loaded, how far, and what it waits for.
import {ask, orNull} from '../api.js';
import {loadCollection, releaseCollection} from '../changes.js';
import {h, link} from '../dom.js';
import {bytes, count} from '../format.js';
import {list} from '../list.js';
import {loadState, progress, waits} from '../loaded.js';
import * as names from '../names.js';
import {to} from '../route.js';

export const title = 'Collections';

const askedByName = 200; // changed collections that are asked for one by one; of more, all are

const columns = (context, after) => [
  {id: 'name', label: 'Collection', head: true, width: '18%', sort: (c) => c.name, cell: (c) => link(to('collection', c.name), c.name)},
  {id: 'state', label: 'State', width: '9rem', sort: (c) => c.status + (c.queryable ? '' : '!'), cell: loadState},
  {id: 'loaded', label: 'Loaded', width: '10.5rem', sort: (c) => c.percentage, cell: (c) => (c.status === 'released' ? '' : progress(c.percentage))},
  {id: 'replicas', label: 'Replicas', number: true, width: '6.5rem', sort: (c) => c.replicaNumber, cell: (c) => (c.status === 'released' ? '' : `${c.serviceableReplicas} of ${c.replicaNumber}`)},
  {id: 'segments', label: 'Segments', number: true, width: '6.5rem', sort: (c) => Number(c.segments), cell: (c) => count(c.segments)},
  {id: 'rows', label: 'Rows', number: true, width: '8rem', sort: (c) => Number(c.rows), cell: (c) => count(c.rows)},
  {id: 'bytes', label: 'Files', number: true, width: '6rem', sort: (c) => Number(c.bytes), cell: (c) => bytes(c.bytes)},
  {id: 'waits', label: 'Waits for', sort: (c) => c.waitsFor, cell: waits},
  ...(context.readOnly ? [] : [{label: '', width: '6rem', cell: (c, now) => (c.status === 'released' ? loadCollection(context, now(), after) : releaseCollection(context, now(), after))}]),
];

export async function show(page, route, context) {
  let rows = new Map(); // by id
  let again = () => {};
  const shown = list(context, {name: 'collections', title, caption: 'Collections of the catalogue', key: (c) => c.id, order: 'name', text: (c) => `${c.name} ${c.status} ${c.queryable ? '' : 'not served'} ${c.waitsFor}`,
    columns: columns(context, () => again()), empty: 'no collections; make one with muster import'});
  page.append(h('h1', null, title), shown.element);

  const released = {percentage: 0, status: 'released', replicaNumber: 0, serviceableReplicas: 0, waitsFor: '', queryable: true};

  /** Everything: at first, and when it is not known what changed. */
  async function all() {
    const [catalogue, loaded] = await Promise.all([ask('listCollections', {}, {tried: 'reading the collections'}), ask('showLoadCollections')]);
    const state = new Map(loaded.collections.map((c) => [c.id, c]));
    rows = new Map(catalogue.collections.map((c) => [c.id, {...released, ...state.get(c.id), id: c.id, name: names.qualified(c), segments: c.segments, rows: c.rows, bytes: c.bytes}]));
    for (const c of loaded.collections)
      if (!rows.has(c.id))
        rows.set(c.id, {...c, bytes: '0'}); // loaded, and out of the catalogue already
    names.learnCollections(rows.values());
    shown.update([...rows.values()]);
  }

  let changed = new Set();
  let unknown = true;
  async function bringUpToDate() {
    const ids = [...changed].filter((id) => rows.has(id));
    const whole = unknown || ids.length !== changed.size || ids.length > askedByName;
    changed = new Set();
    unknown = false;
    if (whole)
      return all();
    const answer = await orNull(ask('showLoadCollections', {collections: ids.map((id) => rows.get(id).name)}), 'collection_not_loaded', 'collection_not_found');
    if (answer === null)
      return all();
    for (const c of answer.collections)
      rows.set(c.id, {...rows.get(c.id), ...c, bytes: rows.get(c.id).bytes});
    shown.update([...rows.values()]);
  }

  let refresh = () => {}; // until the first look is done
  context.listen((events, leftOut) => {
    for (const e of events)
      if (e.collection !== '0')
        changed.add(e.collection);
      else if (e.kind === 'requestAnswered' && /^(registerImport|dropCollection|compact)/.test(e.text))
        unknown = true; // the catalogue
    if (leftOut > 0)
      unknown = true;
    if (changed.size > 0 || unknown)
      refresh();
  });
  refresh = await context.refresh(bringUpToDate);
  if (changed.size > 0)
    refresh(); // what came during the first look
  again = () => {
    unknown = true;
    refresh();
  };
}
