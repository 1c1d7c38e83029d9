// Actors as a tree of who restarts whom, and what they did of late.
import {byName} from './format.js';

const kept = 60; // looks that a sparkline shows

/** In order of a tree, each with its `depth`; an actor whose owner is no actor stands at the left. Flat: in order of names. */
export function asTree(actors, tree) {
  const sorted = [...actors].sort((a, b) => byName(a.name, b.name));
  if (!tree)
    return sorted.map((a) => ({...a, depth: 0}));
  const names = new Set(sorted.map((a) => a.name));
  const below = new Map();
  const roots = [];
  for (const a of sorted) {
    if (!names.has(a.owner) || a.owner === a.name) {
      roots.push(a);
      continue;
    }
    below.set(a.owner, [...(below.get(a.owner) ?? []), a]);
  }
  const out = [];
  const seen = new Set();
  const walk = (a, depth) => {
    if (seen.has(a.name))
      return;
    seen.add(a.name);
    out.push({...a, depth});
    for (const child of below.get(a.name) ?? [])
      walk(child, depth + 1);
  };
  for (const a of roots)
    walk(a, 0);
  for (const a of sorted) // owners in a ring: nobody is left out
    walk(a, 0);
  return out;
}

/** How full each mailbox was and how much was handled, as far as this page has looked. */
export class History {
  #of = new Map();

  add(actors) {
    const now = performance.now();
    const there = new Set();
    for (const a of actors) {
      there.add(a.name);
      const h = this.#of.get(a.name) ?? {queued: [], handled: Number(a.handled), at: now, rate: 0};
      h.queued.push(Number(a.queued));
      if (h.queued.length > kept)
        h.queued.shift();
      if (now > h.at)
        h.rate = Math.max(0, (Number(a.handled) - h.handled) / ((now - h.at) / 1_000)); // it falls when the actor begins anew
      h.handled = Number(a.handled);
      h.at = now;
      this.#of.set(a.name, h);
    }
    for (const name of this.#of.keys())
      if (!there.has(name))
        this.#of.delete(name);
  }

  queued(name) {
    return this.#of.get(name)?.queued ?? [];
  }

  rate(name) {
    return this.#of.get(name)?.rate ?? 0;
  }
}
