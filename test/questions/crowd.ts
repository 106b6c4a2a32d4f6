import type {NetnsFacts, Snapshot} from '../../source/facts/snapshot.ts';
import {type SocketTable, STATES} from '../../source/facts/sockets.ts';
import {buildGraph} from '../../source/model/build.ts';
import type {Graph, NodeInput} from '../../source/model/graph.ts';
import {emptyTable} from '../model/world.ts';
import {labGraph} from './lab.ts';

/** The port on which every meshd of the lab calls every other. */
export const MESH = 4240;

const TEXTS = /\b10\.(44\.0\.(1[123])|244\.([012])\.(\d+))\b/g;

/** What is left of the mesh between two nodes (numbers from 0): both sockets unless said. */
export type Ends = (
  from: number,
  to: number,
) => {readonly caller?: boolean; readonly called?: boolean; readonly calling?: boolean};

/**
 * The lab's three nodes, recorded, again and again under other names and addresses until there are `count` of them, and
 * in place of the three meshds' connections those of all. Node `i` is `node-<i+1>`, with a pod network of its own.
 */
export async function crowd(
  count: number,
  ends: Ends = () => ({}),
  lost: readonly number[] = [],
): Promise<Graph> {
  const originals = (await labGraph()).nodes;
  const inputs = new Map<string, NodeInput>();
  for (let i = 0; i < count; i += 1) {
    const {snapshot} = originals[i % originals.length]!;
    const id = `10.44.1.${i + 1}`;
    inputs.set(
      id,
      lost.includes(i)
        ? {state: 'lost', cause: `No answer from ${id}:22.`}
        : {snapshot: renumbered(snapshot!, i, count, ends, id), state: 'ready'},
    );
  }
  return buildGraph(inputs);
}

function renumbered(snapshot: Snapshot, i: number, count: number, ends: Ends, id: string): Snapshot {
  const copy = Math.floor(i / 3);
  const text = (value: string) =>
    value.replace(TEXTS, (_, __, host: string | undefined, pod: string, last: string) =>
      host === undefined
        ? `10.244.${copy * 3 + Number(pod)}.${last}`
        : `10.44.1.${copy * 3 + Number(host) - 10}`,
    );
  const identity = snapshot.identity!;
  const sockets = snapshot.sockets!;
  return {
    ...snapshot,
    node: id,
    identity: {...identity, value: {...identity.value, hostname: `node-${i + 1}`}},
    netns: new Map([...snapshot.netns].map(([inode, facts]) => [inode, renumberedFacts(facts, text)])),
    sockets: {...sockets, value: renumberedSockets(sockets.value, i, count, ends, copy)},
  };
}

function renumberedFacts(facts: NetnsFacts, text: (value: string) => string): NetnsFacts {
  return deep(facts, text) as NetnsFacts;
}

function deep(value: unknown, text: (value: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map(one => deep(one, text));
  if (typeof value !== 'object' || value === null || value instanceof Map) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, deep(inner, text)]));
}

function renumberedSockets(
  table: SocketTable,
  i: number,
  count: number,
  ends: Ends,
  copy: number,
): SocketTable {
  const isMesh = (row: number) =>
    table.remotePort[row] !== 0 && (table.remotePort[row] === MESH || table.localPort[row] === MESH);
  const kept = Array.from({length: table.count}, (_, row) => row).filter(row => !isMesh(row));
  const caller = Array.from({length: table.count}, (_, row) => row).find(
    row => table.remotePort[row] === MESH,
  )!;
  const called = Array.from({length: table.count}, (_, row) => row).find(
    row => isMesh(row) && table.localPort[row] === MESH,
  )!;
  const rows: {row: number; to?: number; from?: number; calling?: boolean}[] = kept.map(row => ({row}));
  for (let other = 0; other < count; other += 1) {
    const out = ends(i, other);
    if (out.caller ?? true) rows.push({row: caller, to: other, calling: out.calling ?? false});
    if (ends(other, i).called ?? true) rows.push({row: called, from: other});
  }
  const next = emptyTable(rows.length, table.netns);
  const copyColumn = (name: keyof SocketTable, width = 1) => {
    const [from, to] = [table[name] as Uint32Array, next[name] as Uint32Array];
    rows.forEach(({row}, at) => {
      to.set(from.subarray(row * width, row * width + width), at * width);
    });
  };
  for (const name of Object.keys(next) as (keyof SocketTable)[]) {
    if (ArrayBuffer.isView(next[name])) copyColumn(name, name === 'local' || name === 'remote' ? 4 : 1);
  }
  rows.forEach(({to, from, calling}, at) => {
    if (to === undefined && from === undefined) {
      renumber(next.local, at, copy);
      renumber(next.remote, at, copy);
      return;
    }
    const other = (to ?? from)!;
    // The caller's port says whom it calls, so that both ends agree.
    if (to !== undefined) next.localPort[at] = 20_000 + to;
    else next.remotePort[at] = 20_000 + i;
    next.local.set(hostWords(i), at * 4);
    next.remote.set(hostWords(other), at * 4);
    if (calling) next.state[at] = SYN_SENT;
  });
  return {...next, words: table.words};
}

const SYN_SENT = STATES.indexOf('SYN-SENT');

function hostWords(i: number): readonly number[] {
  return [0, 0, 0xffff, ((10 << 24) | (44 << 16) | (1 << 8) | (i + 1)) >>> 0];
}

function renumber(column: Uint32Array, row: number, copy: number): void {
  const word = column[row * 4 + 3]!;
  if (column[row * 4 + 2] !== 0xffff) return;
  const [a, b, c, d] = [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255];
  if (a === 10 && b === 44 && c === 0 && d >= 11 && d <= 13) {
    column[row * 4 + 3] = hostWords(copy * 3 + d - 11)[3]!;
  } else if (a === 10 && b === 244) {
    column[row * 4 + 3] = ((10 << 24) | (244 << 16) | ((copy * 3 + c) << 8) | d) >>> 0;
  }
}
