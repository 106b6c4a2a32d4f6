import type {ConntrackTable} from '../facts/conntrack/table.ts';
import {FLAG} from '../facts/conntrack/table.ts';
import type {SocketTable} from '../facts/sockets.ts';

/**
 * One direction of a connection as ten 32-bit words: IP protocol number, source, destination (four words each, as in
 * `SocketTable`), both ports in one. Reused, so that following a million of them makes no object.
 */
export type Flow = Uint32Array;

export function newFlow(): Flow {
  return new Uint32Array(10);
}

const PROTOCOLS = [6, 17];

/** What a socket sends. */
export function sentBy(table: SocketTable, row: number, flow: Flow): void {
  flow[0] = PROTOCOLS[table.protocol[row]!]!;
  copy(table.local, row, flow, 1);
  copy(table.remote, row, flow, 5);
  flow[9] = ((table.localPort[row]! << 16) | table.remotePort[row]!) >>> 0;
}

/** What a socket receives. */
export function receivedBy(table: SocketTable, row: number, flow: Flow): void {
  flow[0] = PROTOCOLS[table.protocol[row]!]!;
  copy(table.remote, row, flow, 1);
  copy(table.local, row, flow, 5);
  flow[9] = ((table.remotePort[row]! << 16) | table.localPort[row]!) >>> 0;
}

/** What goes into a tracked connection, as it comes. */
export function originalOf(table: ConntrackTable, entry: number, flow: Flow): void {
  flow[0] = table.protocol[entry]!;
  copy(table.source, entry, flow, 1);
  copy(table.destination, entry, flow, 5);
  flow[9] = ((table.sourcePort[entry]! << 16) | table.destinationPort[entry]!) >>> 0;
}

/** The same as it leaves: the expected reply turned round. */
export function translatedOf(table: ConntrackTable, entry: number, flow: Flow): void {
  flow[0] = table.protocol[entry]!;
  copy(table.replyDestination, entry, flow, 1);
  copy(table.replySource, entry, flow, 5);
  flow[9] = ((table.replyDestinationPort[entry]! << 16) | table.replySourcePort[entry]!) >>> 0;
}

export function isTranslated(table: ConntrackTable, entry: number): boolean {
  return (table.flags[entry]! & FLAG.translated) !== 0;
}

export function destinationPort(flow: Flow): number {
  return flow[9]! & 0xffff;
}

function copy(words: Uint32Array, row: number, flow: Flow, at: number): void {
  const from = row * 4;
  flow[at] = words[from]!;
  flow[at + 1] = words[from + 1]!;
  flow[at + 2] = words[from + 2]!;
  flow[at + 3] = words[from + 3]!;
}

/** Finds rows of many tables by the flow that `read` makes of them, in constant time each. */
export type Flows = {
  add(node: number, row: number): void;
  /** Every row with that flow. */
  each(flow: Flow, visit: (node: number, row: number) => void): void;
};

export function createFlows(capacity: number, read: (node: number, row: number, flow: Flow) => void): Flows {
  let size = 16;
  while (size < capacity * 2) size *= 2;
  const mask = size - 1;
  const nodes = new Int32Array(size).fill(-1);
  const rows = new Int32Array(size);
  const mine = newFlow();
  return {
    add(node, row) {
      read(node, row, mine);
      let slot = hash(mine) & mask;
      while (nodes[slot] !== -1) slot = (slot + 1) & mask;
      nodes[slot] = node;
      rows[slot] = row;
    },
    each(flow, visit) {
      for (let slot = hash(flow) & mask; nodes[slot] !== -1; slot = (slot + 1) & mask) {
        read(nodes[slot]!, rows[slot]!, mine);
        let i = 9;
        while (i >= 0 && mine[i] === flow[i]) i -= 1;
        if (i < 0) visit(nodes[slot]!, rows[slot]!);
      }
    },
  };
}

/** MurmurHash3's 32-bit mixing over the ten words. */
function hash(flow: Flow): number {
  let h = 0;
  for (let i = 0; i < 10; i += 1) {
    let k = Math.imul(flow[i]!, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
