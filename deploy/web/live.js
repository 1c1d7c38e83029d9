// What happens, as it happens: one stream of events a tab, given on in batches, closed while nobody looks.

import {ask} from './api.js';

const beginWithinMs = 3_000; // pages wait for it
const batchEveryMs = 1_000;
const batchMost = 5_000; // more in one second: the oldest are left out, pages ask anew for what they show

let source = null;
let last = ''; // number of the newest event that was heard
let batch = [];
let leftOut = 0;
let given = 0; // when the last batch was
let timer = 0;
let broken = () => {};
const listeners = new Set();

/** `call(events, leftOut)` gets what came, at most once a second. Returns how to stop that. */
export function listen(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

function give() {
  timer = 0;
  given = performance.now();
  const events = batch;
  const missing = leftOut;
  batch = [];
  leftOut = 0;
  for (const call of [...listeners])
    call(events, missing);
}

function heard(message) {
  const event = JSON.parse(message.data);
  if (last !== '' && BigInt(event.number) <= BigInt(last))
    return; // said twice around a reconnection
  last = event.number;
  batch.push(event);
  if (batch.length > batchMost) {
    batch.shift();
    ++leftOut;
  }
  if (timer === 0) // one that comes alone is shown at once
    timer = setTimeout(give, Math.max(30, given + batchEveryMs - performance.now()));
}

/** From now on: what is older, pages have in what they ask for afterwards. */
async function begin() {
  try {
    const {next} = await ask('listEvents', {limit: 1}, {deadline: beginWithinMs});
    if (last === '' && next !== '0')
      last = next;
  } catch {
    // it cannot be reached, or refuses: then the stream tells more than is needed
  }
  open();
}

function open() {
  if (source !== null || document.hidden)
    return;
  source = new EventSource(last === '' ? '/events' : `/events?after=${last}`);
  source.onmessage = heard;
  source.onerror = () => {
    broken();
    if (source?.readyState !== EventSource.CLOSED)
      return; // the browser tries again by itself, from the last event on
    source = null; // refused: too many streams, or something else listens there
    setTimeout(open, 3_000);
  };
}

function close() {
  source?.close();
  source = null;
}

/** Begins anew with whatever comes next; what is asked for when that has begun leaves no gap. */
export function forget() {
  last = '';
  close();
  return begin();
}

/** Number of the newest event: all numbers are without gaps, so their growth is how many there were. */
export const newest = () => last;

/** `whenBroken` is called when the stream ends: the coordinator may have ended with it. Pages are shown after this, so that nothing falls between. */
export function start(whenBroken) {
  broken = whenBroken;
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  addEventListener('pagehide', close);
  addEventListener('pageshow', open);
  return begin();
}
