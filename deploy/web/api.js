// Asks the coordinator, within a deadline; what goes wrong becomes one sentence for people.

/** Nothing is waited for longer than this, but what is known to take long. */
export const deadlineMs = 10_000;

/** The coordinator said no. */
export class Refusal extends Error {
  constructor(tried, answer) {
    super(`${tried}: ${answer.reason || answer.name}`);
    this.tried = tried;
    this.code = answer.code;
    this.refusal = answer.name;
    this.retriable = answer.retriable === true;
  }
}

/** The coordinator did not answer; what became of a change is not known. */
export class Unanswered extends Error {
  constructor(tried, why) {
    super(`${tried}: ${why}`);
    this.tried = tried;
  }
}

/** What a person gave cannot be used; nothing was asked. */
export class Mistake extends Error {}

const watchers = {reached: () => {}, doubted: () => {}};

/** Who wants to know whether the coordinator answers: link.js. */
export function watchAnswers({reached, doubted}) {
  watchers.reached = reached;
  watchers.doubted = doubted;
}

async function send(tried, path, options, {signal, deadline = deadlineMs} = {}) {
  const late = AbortSignal.timeout(deadline);
  let response;
  let body;
  try {
    response = await fetch(path, {...options, cache: 'no-store', signal: signal ? AbortSignal.any([signal, late]) : late});
    body = await response.text();
  } catch (error) {
    if (signal?.aborted)
      throw error; // the page was left, nobody waits for it
    watchers.doubted();
    throw new Unanswered(tried, late.aborted ? `no answer within ${deadline / 1000} s; it may still be done` : 'the coordinator cannot be reached');
  }
  watchers.reached();
  return {response, body};
}

function parsed(tried, body) {
  try {
    return JSON.parse(body);
  } catch {
    throw new Unanswered(tried, 'the answer is no JSON; is something else listening on this port?');
  }
}

/** One method of deploy/REFERENCE.md. `tried` says for people what was tried. */
export async function ask(method, parameters = {}, {tried = method, ...more} = {}) {
  const {response, body} = await send(tried, `/v1/${method}`,
    {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(parameters)}, more);
  const answer = parsed(tried, body);
  if (!response.ok)
    throw new Refusal(tried, answer);
  return answer;
}

/** Something that is read by its path, as text. */
export async function read(path, more = {}) {
  const {response, body} = await send(`reading ${path}`, path, {}, more);
  if (!response.ok && response.status !== 503)
    throw new Refusal(`reading ${path}`, parsed(`reading ${path}`, body));
  return body; // 503 of /readyz has its reasons as JSON
}

export const readJson = async (path, more = {}) => parsed(`reading ${path}`, await read(path, more));

/** For people, with what to do where that is known. */
export function sentence(error) {
  if (error instanceof Refusal)
    return error.message + (error.retriable ? ' (the same may succeed later)' : '');
  if (error instanceof Unanswered || error instanceof Mistake)
    return error.message;
  return `this page failed: ${error?.message ?? error}; reload it, and report this if it comes again`;
}

/** What is asked for, or null when it is refused for one of these reasons: "collection_not_loaded" is an answer too. */
export async function orNull(asked, ...refusals) {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refusal && refusals.includes(error.refusal))
      return null;
    throw error;
  }
}
