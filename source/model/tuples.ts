import type {SocketTable} from '../facts/sockets.ts';

/** One side of a socket: its address column and its port column. */
export type Side = 'local' | 'remote';

/**
 * A hash table from endpoints to sockets: open addressing with linear probing over typed arrays, so that a million
 * sockets make no object. `tables` are by node index; a socket is (node, row).
 */
export type Tuples = {
  /** Adds a socket under its own 4-tuple. */
  add(node: number, row: number): void;
  /** Calls `visit` for every socket whose 4-tuple is that of (node, row) with the ends swapped. */
  mirrored(node: number, row: number, visit: (node: number, row: number) => void): void;
};

export function createTuples(tables: readonly (SocketTable | undefined)[], capacity: number): Tuples {
  const {slots, nodes, rows} = createSlots(capacity);
  return {
    add(node, row) {
      const table = tables[node]!;
      let slot = hashTuple(table, row, 'local', 'remote') & slots;
      while (nodes[slot] !== -1) slot = (slot + 1) & slots;
      nodes[slot] = node;
      rows[slot] = row;
    },
    mirrored(node, row, visit) {
      const table = tables[node]!;
      for (
        let slot = hashTuple(table, row, 'remote', 'local') & slots;
        nodes[slot] !== -1;
        slot = (slot + 1) & slots
      ) {
        const [otherNode, otherRow] = [nodes[slot]!, rows[slot]!];
        const other = tables[otherNode]!;
        if (
          table.localPort[row] === other.remotePort[otherRow] &&
          table.remotePort[row] === other.localPort[otherRow] &&
          table.protocol[row] === other.protocol[otherRow] &&
          sameAddress(table.local, row, other.remote, otherRow) &&
          sameAddress(table.remote, row, other.local, otherRow)
        ) {
          visit(otherNode, otherRow);
        }
      }
    },
  };
}

/**
 * The same for one endpoint of a socket (`side`), where only a single holder counts: a second socket with the same
 * endpoint makes it shared, and shared endpoints are not found.
 */
export type Singles = {
  add(node: number, row: number): void;
  /** The one socket whose `side` is the `of` side of (node, row). */
  find(node: number, row: number, of: Side): {node: number; row: number} | undefined;
};

export function createSingles(
  tables: readonly (SocketTable | undefined)[],
  side: Side,
  capacity: number,
): Singles {
  const {slots, nodes, rows} = createSlots(capacity);
  const shared = new Uint8Array(slots + 1);
  const slotOf = (node: number, row: number, of: Side): number => {
    const table = tables[node]!;
    let slot = hashSide(table, row, of) & slots;
    while (nodes[slot] !== -1) {
      const other = tables[nodes[slot]!]!;
      const otherRow = rows[slot]!;
      if (
        portOf(table, of)[row] === portOf(other, side)[otherRow] &&
        table.protocol[row] === other.protocol[otherRow] &&
        sameAddress(table[of], row, other[side], otherRow)
      ) {
        return slot;
      }
      slot = (slot + 1) & slots;
    }
    return slot;
  };
  return {
    add(node, row) {
      const slot = slotOf(node, row, side);
      if (nodes[slot] !== -1) {
        shared[slot] = 1;
        return;
      }
      nodes[slot] = node;
      rows[slot] = row;
    },
    find(node, row, of) {
      const slot = slotOf(node, row, of);
      return nodes[slot] === -1 || shared[slot] === 1 ? undefined : {node: nodes[slot]!, row: rows[slot]!};
    },
  };
}

/** At most half full; `slots` is the mask. */
function createSlots(capacity: number): {slots: number; nodes: Int32Array; rows: Int32Array} {
  let size = 16;
  while (size < capacity * 2) size *= 2;
  return {slots: size - 1, nodes: new Int32Array(size).fill(-1), rows: new Int32Array(size)};
}

function portOf(table: SocketTable, side: Side): Uint16Array {
  return side === 'local' ? table.localPort : table.remotePort;
}

export function sameAddress(a: Uint32Array, rowA: number, b: Uint32Array, rowB: number): boolean {
  const [i, j] = [rowA * 4, rowB * 4];
  return a[i + 3] === b[j + 3] && a[i + 2] === b[j + 2] && a[i + 1] === b[j + 1] && a[i] === b[j];
}

function hashTuple(table: SocketTable, row: number, first: Side, second: Side): number {
  let hash = mixSide(table.protocol[row]! + 1, table, row, first);
  hash = mixSide(hash, table, row, second);
  return finish(hash);
}

function hashSide(table: SocketTable, row: number, side: Side): number {
  return finish(mixSide(table.protocol[row]! + 1, table, row, side));
}

function mixSide(hash: number, table: SocketTable, row: number, side: Side): number {
  const address = table[side];
  const at = row * 4;
  let mixed = mix(hash, address[at]!);
  mixed = mix(mixed, address[at + 1]!);
  mixed = mix(mixed, address[at + 2]!);
  mixed = mix(mixed, address[at + 3]!);
  return mix(mixed, portOf(table, side)[row]!);
}

/** One round of MurmurHash3's 32-bit mixing. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
