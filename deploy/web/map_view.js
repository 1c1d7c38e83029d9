// The canvas of the placement map: a pixel a cell, colours from a table of 256, a cursor that mouse and keys move.
import {h} from './dom.js';

const heightMost = 640;   // of all lines together, unless a line would be less than a pixel
const cellMost = {width: 56, height: 26};
const labelEvery = 15;    // pixels between two names of nodes
const gridFrom = 8;       // height of a cell that has lines around it
const headsMost = 40;     // columns that have room for names

/** What the byte of a cell stands for; see map_value in placement_map.hpp. */
export const valueOf = (level, {least, most}) => (level <= 1 || least <= 0 ? 0 : least * (most / least) ** ((level - 2) / 253));

/** The bytes of all lines, one after the other. */
export function bytesOf(lines, width) {
  const bytes = new Uint8Array(lines.length * width);
  lines.forEach((line, i) => {
    if (Uint8Array.fromBase64) {
      bytes.set(Uint8Array.fromBase64(line.cells), i * width);
      return;
    }
    const text = atob(line.cells);
    for (let k = 0; k < text.length; ++k)
      bytes[i * width + k] = text.charCodeAt(k);
  });
  return bytes;
}

function rgb(text) {
  const hex = text.trim().replace('#', '');
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

const packed = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r; // as a pixel lies in memory of a little-endian machine
const between = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));

/**
 * A colour for each byte. Of replicas the n-th colour for the n-th one; else from little to much, those under `least` so faint that
 * they stay visible as being there.
 */
export function colours(element, {replica, least}) {
  const of = getComputedStyle(element);
  const named = (name) => rgb(of.getPropertyValue(name));
  const out = new Int32Array(256);
  out[0] = packed(named('--map-nothing'));
  const [low, middle, high, under] = ['--map-low', '--map-middle', '--map-high', '--map-under'].map(named);
  for (let level = 1; level < 256; ++level)
    if (replica)
      out[level] = packed(level === 255 ? named('--map-various') : named(`--map-replica-${1 + ((level - 1) % 6)}`));
    else if (level < least)
      out[level] = packed(under);
    else
      out[level] = packed(level < 128 ? between(low, middle, (level - 1) / 127) : between(middle, high, (level - 128) / 127));
  return out;
}

/** `pick(line, column)`: a cell was chosen. `point(line, column)`: one is pointed at. */
export function mapView({pick, point, describedBy}) {
  const canvas = h('canvas', {tabindex: '0', role: 'application', 'aria-roledescription': 'placement map', 'aria-label': 'Nodes by collections; arrow keys move, Enter explains',
    'aria-describedby': describedBy});
  const cursor = h('div', {class: 'cursor', 'aria-hidden': 'true', hidden: true});
  const grid = h('div', {class: 'grid', 'aria-hidden': 'true'});
  const names = h('div', {class: 'names', 'aria-hidden': 'true'});
  const heads = h('div', {class: 'heads', 'aria-hidden': 'true'});
  const element = h('div', {class: 'map'}, names, h('div', {class: 'cells'}, canvas, grid, cursor, heads));
  const paper = canvas.getContext('2d', {alpha: false});
  let lines = [];
  let width = 0;
  let bytes = new Uint8Array();
  let picture = null;
  let pixels = null;
  let at = [0, 0];

  /** Takes a new map; the cursor stays where it is as far as there is such a cell. */
  function take(newLines, columns) {
    lines = newLines;
    width = columns.length;
    bytes = bytesOf(lines, width);
    if (width === 0 || lines.length === 0)
      return;
    if (canvas.width !== width || canvas.height !== lines.length || !picture) {
      canvas.width = width;
      canvas.height = lines.length;
      picture = paper.createImageData(width, lines.length);
      pixels = new Int32Array(picture.data.buffer);
    }
    at = [Math.min(at[0], lines.length - 1), Math.min(at[1], width - 1)];
    const high = Math.min(cellMost.height, Math.max(heightMost / lines.length, 1));
    canvas.style.height = `${high * lines.length}px`;
    for (const part of [canvas, heads])
      part.style.maxWidth = `${cellMost.width * width}px`;
    label(high, columns);
  }

  /** Names of nodes where there is room, of collections and lines between cells only where these are large. */
  function label(high, columns) {
    const step = Math.max(1, Math.ceil(labelEvery / high));
    const large = width <= headsMost && high >= gridFrom;
    names.style.width = `${Math.min(Math.max(...lines.map((line) => line.name.length + (line.state === 'connected' ? 0 : 2))), 20)}ch`;
    heads.replaceChildren(...(large ? columns.map((c) => h('span', {title: c.firstName}, c.count === 1 ? c.firstName : `${c.firstName} …`)) : []));
    grid.hidden = !large;
    Object.assign(grid.style, {height: canvas.style.height, maxWidth: canvas.style.maxWidth, backgroundSize: `${100 / width}% ${high}px`});
    names.style.height = canvas.style.height;
    names.replaceChildren(...lines.flatMap((line, i) => (i % step === 0
      ? [h('span', {style: {top: `${i * high}px`, lineHeight: `${Math.max(high, labelEvery)}px`}}, line.state === 'connected' ? line.name : `▲ ${line.name}`)] : [])));
  }

  /** Cost: a look into the table for each cell. */
  function draw(table) {
    if (!picture || width === 0)
      return;
    for (let i = 0; i < bytes.length; ++i)
      pixels[i] = table[bytes[i]];
    paper.putImageData(picture, 0, 0);
  }

  function cellAt(event) {
    const box = canvas.getBoundingClientRect();
    const clamp = (v, most) => Math.min(Math.max(Math.floor(v), 0), most - 1);
    return [clamp(((event.clientY - box.top) / box.height) * lines.length, lines.length), clamp(((event.clientX - box.left) / box.width) * width, width)];
  }

  function show() {
    const [line, column] = at;
    const box = canvas.getBoundingClientRect();
    const size = [Math.max(box.width / width, 6), Math.max(box.height / lines.length, 6)];
    Object.assign(cursor.style, {left: `${((column + 0.5) * box.width) / width - size[0] / 2}px`, top: `${((line + 0.5) * box.height) / lines.length - size[1] / 2}px`,
      width: `${size[0]}px`, height: `${size[1]}px`});
    cursor.hidden = false;
    point(line, column);
  }

  function move(to) {
    if (lines.length === 0 || width === 0)
      return;
    at = [Math.min(Math.max(to[0], 0), lines.length - 1), Math.min(Math.max(to[1], 0), width - 1)];
    show();
  }

  const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -Infinity], End: [0, Infinity]};
  canvas.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      move([at[0] + step[0], at[1] + step[1]]);
    } else if ((event.key === 'Enter' || event.key === ' ') && lines.length > 0 && width > 0) {
      event.preventDefault();
      pick(...at);
    }
  });
  canvas.addEventListener('focus', () => move(at));
  canvas.addEventListener('blur', () => {
    cursor.hidden = true;
  });
  canvas.addEventListener('pointermove', (event) => lines.length > 0 && width > 0 && move(cellAt(event)));
  canvas.addEventListener('pointerleave', () => {
    cursor.hidden = document.activeElement !== canvas;
  });
  canvas.addEventListener('click', (event) => {
    if (lines.length === 0 || width === 0)
      return;
    move(cellAt(event));
    pick(...at);
  });

  return {element, canvas, take, draw, byte: (line, column) => bytes[line * width + column], each: (call) => bytes.forEach(call)};
}
