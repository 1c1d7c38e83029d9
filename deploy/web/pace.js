// How often something may be asked for: never twice at once, and no more often than it can be answered.

/**
 * Runs `work` when asked to, at most every `leastMs`, and rests ten times as long as it took: what is slow on a large cluster
 * takes at most a tenth of the time. Asked meanwhile: once more afterwards.
 */
export function paced(work, {leastMs = 1_000, signal} = {}) {
  let running = false;
  let wanted = false;
  let free = 0;
  let timer = 0;

  async function run() {
    timer = 0;
    if (signal?.aborted || document.hidden)
      return;
    running = true;
    wanted = false;
    const begin = performance.now();
    try {
      await work();
    } finally {
      running = false;
      free = performance.now() + Math.max(leastMs, 10 * (performance.now() - begin));
      if (wanted)
        ask();
    }
  }

  function ask() {
    wanted = true;
    if (running || timer !== 0 || signal?.aborted)
      return;
    timer = setTimeout(run, Math.max(0, free - performance.now()));
  }

  signal?.addEventListener('abort', () => clearTimeout(timer));
  return ask;
}
