// Whether the coordinator answers: looked at every few seconds while the tab is seen, at once when in doubt.
import {readJson, watchAnswers} from './api.js';
import {h, put} from './dom.js';

const lookEveryMs = 5_000;
const lookAgainMs = 1_000; // while it does not answer
const patienceMs = 3_000; // an answer to /healthz is a matter of microseconds

let since = null; // when it stopped answering; null: it answers
let looking = false;
let timer = 0;
const returned = new Set();
const went = new Set();
let told = () => {};

export const unreachable = () => since !== null;

/** Called when the coordinator no longer answers. */
export const onLoss = (call) => went.add(call);

/** Called when the coordinator answers again. */
export const onReturn = (call) => returned.add(call);

function show() {
  document.body.dataset.link = since === null ? 'connected' : 'unreachable';
  const notices = document.getElementById('notices');
  const there = document.getElementById('link');
  if (since === null) {
    there?.remove();
  } else if (!there) {
    const alert = h('div', {id: 'link', role: 'alert', class: 'notice bad'});
    notices.prepend(alert);
    put(alert, h('strong', null, 'The coordinator cannot be reached'), ` since ${since.toISOString().slice(11, 19)} UTC. What is below is as it was then. `
      + 'It is tried again every second; see whether the coordinator runs, and its log.');
  }
}

function reached() {
  if (since === null)
    return;
  since = null;
  show();
  for (const call of returned)
    call();
}

function lost() {
  if (since !== null)
    return;
  since = new Date();
  show();
  for (const call of went)
    call();
}

async function look() {
  clearTimeout(timer);
  if (looking || document.hidden)
    return;
  looking = true;
  try {
    told(await readJson('/healthz', {deadline: patienceMs}));
  } catch {
    lost();
  } finally {
    looking = false;
    timer = setTimeout(look, since === null ? lookEveryMs : lookAgainMs);
  }
}

/** At once, when there is a reason to doubt. */
export const lookNow = () => void (looking || look());

/** `identity` gets what /healthz says, each time. */
export function watchLink(identity) {
  told = identity;
  watchAnswers({reached, doubted: lookNow});
  document.addEventListener('visibilitychange', look);
  return look();
}
