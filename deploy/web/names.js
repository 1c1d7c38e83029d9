// What the ids in events and tasks are called; asked for only when an id is shown that is not known yet.
import {ask} from './api.js';

const nodes = new Map();
const collections = new Map();
const notFound = new Set(); // ids of collections that are gone: not asked for again
const askAgainMs = 2_000;
const askedOneByOne = 200; // of more, all are asked for at once: megabytes where there are many
const catalogueAgainMs = 60_000; // megabytes, too
let catalogueAsked = 0;
let nodesAsked = 0;
let collectionsAsked = 0;

export const node = (id) => (String(id) === '0' ? '' : nodes.get(String(id)) ?? `node ${id}`);
export const collection = (id) => (String(id) === '0' ? '' : collections.get(String(id)) ?? `collection ${id}`);
export const knowsCollection = (id) => collections.has(String(id));

export function learnNodes(list) {
  for (const n of list)
    nodes.set(String(n.id), n.name);
}

export function learnCollections(list) {
  for (const c of list) {
    collections.set(String(c.id), c.name);
    notFound.delete(String(c.id));
  }
}

/** DATABASE/NAME, unless it is in the database "default". */
export const qualified = (c) => (c.database && c.database !== 'default' ? `${c.database}/${c.name}` : c.name);

/** An explanation is the one answer that names a collection by its id. */
async function nameOf(id) {
  const {explanation} = await ask('explain', {subject: 'collection', name: id});
  const name = explanation.subject.replace(/^collection /, '');
  if (name !== id) // of one that is not loaded only the id is told
    collections.set(id, name);
}

async function nameThem(ids) {
  if (ids.length <= askedOneByOne)
    await Promise.all(ids.map((id) => nameOf(id).catch(() => null)));
  else
    learnCollections((await ask('showLoadCollections')).collections);
  if (ids.some((id) => !collections.has(id)) && performance.now() > catalogueAsked) { // not loaded any more: the catalogue may still have them
    catalogueAsked = performance.now() + catalogueAgainMs;
    learnCollections((await ask('listCollections')).collections.map((c) => ({id: c.id, name: qualified(c)})));
    for (const id of ids)
      if (!collections.has(id))
        notFound.add(id);
  }
}

/** Waits until the names of what these events or tasks are about are known, as far as they can be. */
export async function know(things) {
  for (const {kind, collection, text} of things)
    if ((kind === 'collectionLoading' || kind === 'collectionLoaded') && !collections.has(collection) && text)
      collections.set(collection, text.split(':')[0]);
  const needed = {nodes: false, collections: new Set()};
  for (const thing of things) {
    for (const id of [thing.node, thing.source])
      if (id && id !== '0' && !nodes.has(id))
        needed.nodes = true;
    if (thing.collection && thing.collection !== '0' && !collections.has(thing.collection) && !notFound.has(thing.collection))
      needed.collections.add(thing.collection);
  }
  const now = performance.now();
  const asked = [];
  if (needed.nodes && now > nodesAsked) {
    nodesAsked = now + askAgainMs;
    asked.push(ask('getStatus', {parts: ['nodes']}).then((answer) => learnNodes(answer.nodes)));
  }
  if (needed.collections.size > 0 && now > collectionsAsked) {
    collectionsAsked = now + askAgainMs;
    asked.push(nameThem([...needed.collections]));
  }
  await Promise.allSettled(asked); // without names, ids are shown
}

export async function knowNodes() {
  if (nodes.size === 0)
    learnNodes((await ask('getStatus', {parts: ['nodes']})).nodes);
}
