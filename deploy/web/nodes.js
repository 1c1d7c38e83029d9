// The state of a node in the words of the terminal console.
import {state} from './dom.js';

const shapes = {connected: 'ok', suspect: 'warn', gone: 'bad', unknown: 'idle'};

/** "connected", "connected, stopping", "connected, drained". */
export function nodeState(n) {
  const words = [n.state, n.stopping ? 'stopping' : '', n.suspended ? 'drained' : ''].filter((word) => word !== '');
  const shape = words.length > 1 && n.state === 'connected' ? 'warn' : shapes[n.state] ?? 'idle';
  return state(shape, words.join(', '));
}
