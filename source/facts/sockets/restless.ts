import {type SocketTable, STATES} from './table.ts';

const LISTEN = STATES.indexOf('LISTEN');
const SETTLED = new Set(
  ['ESTAB', 'UNCONN', 'LISTEN', 'CLOSED'].map(state => STATES.indexOf(state as 'LISTEN')),
);

/**
 * Namespaces with a socket that can change although no segment passes and no socket comes or goes: one with something
 * in a queue, which its program may read at any moment, or one between two states. The send queue of a listener is
 * its backlog's bound (ss(8)) and does not count.
 */
export function restless(table: SocketTable): string[] {
  const found = new Uint8Array(table.netns.length);
  for (let i = 0; i < table.count; i++) {
    const state = table.state[i]!;
    const waits = table.recvQ[i]! > 0 || (state !== LISTEN && table.sendQ[i]! > 0);
    if (waits || !SETTLED.has(state)) found[table.netnsIndex[i]!] = 1;
  }
  return table.netns.filter((_, index) => found[index] === 1);
}
