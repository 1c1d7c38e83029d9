// Numbers, times and words as people read them, the same as in the terminal console.

const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});

/** 64-bit numbers come as text, so that no digit is lost; for a figure, double precision will do. */
export const number = (value) => Number(value ?? 0);

/** 12345 -> "12,345". */
export const count = (value) => whole.format(number(value));

/** 1, "node" -> "1 node"; 2, "node" -> "2 nodes". */
export const counted = (value, noun, plural = noun + 's') => `${count(value)} ${number(value) === 1 ? noun : plural}`;

const fixed = (value, digits) => number(value).toLocaleString('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits});

/** A potential: whole when large, with digits when small, with an exponent when nobody would count the digits. */
export function measure(value) {
  const n = number(value);
  if (Math.abs(n) >= 1e10)
    return n.toExponential(4).replace(/e\+(\d+)/, (_, power) => ` × 10${[...power].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit]).join('')}`);
  if (n !== 0 && Math.abs(n) < 100)
    return fixed(n, 2);
  return count(n);
}

/** A score of a node: digits count among small ones. */
export const score = (value) => (Math.abs(number(value)) >= 1000 ? count(value) : fixed(value, 4));

export function rate(value) {
  return value >= 100 ? count(value) : fixed(value, 1);
}

export function bytes(value) {
  const n = number(value);
  if (n < 1024)
    return `${n} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = n / 1024;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    ++unit;
  }
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit]}`;
}

export function duration(ms) {
  const n = number(ms);
  if (n < 0)
    return 'unknown';
  if (n < 1000)
    return `${Math.round(n)} ms`;
  if (n < 120_000)
    return `${(n / 1000).toFixed(1)} s`;
  if (n < 7_200_000)
    return `${Math.floor(n / 60_000)} min`;
  return `${Math.floor(n / 3_600_000)} h`;
}

export const micros = (us) => (number(us) < 10_000 ? `${count(us)} µs` : duration(number(us) / 1000));

/** Nanoseconds since 1970 -> milliseconds since 1970. */
export const millis = (ns) => Number(BigInt(ns ?? 0) / 1_000_000n);

const two = (n) => String(n).padStart(2, '0');

/** Times are UTC, as in the terminal and in the log. */
export function time(ns) {
  const d = new Date(millis(ns));
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}.${String(d.getUTCMilliseconds()).padStart(3, '0')}`;
}

export const dateTime = (ns) => new Date(millis(ns)).toISOString().replace('T', ' ').replace('Z', ' UTC');

/** "taskAdmitted" -> "task_admitted", as everywhere else. */
export const snake = (word) => (word ?? '').replace(/[A-Z]/g, (c) => '_' + c.toLowerCase());

/** Numbers in names count as numbers: node-2 before node-10. */
const collator = new Intl.Collator('en', {numeric: true});
export const byName = collator.compare;
