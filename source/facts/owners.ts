import type {Reply} from '../wire/source.ts';
import {dated, gapsOf} from './contribution.ts';
import type {Fact} from './fact.ts';
import {piecesOf} from './pieces.ts';

/**
 * Which process holds which socket: one scan of `/proc/PID/fd` links for the node. Parallel columns, one entry for
 * each (pid, fd, inode); sorted by inode so that a socket's owners are found by binary search.
 */
export type Owners = {
  readonly count: number;
  readonly inode: Uint32Array;
  readonly pid: Uint32Array;
  readonly fd: Uint32Array;
};

const LF = 10;
const SLASH = 47;

/**
 * Samples (findutils 4.9), in /proc: pid, descriptor, inode.
 * ```
 * 1346/fd/3 socket:[394664]
 * 1346/fd/6 socket:[394687]
 * ```
 * Lines may begin with `/proc/`. Scans bytes, because a node can have a million of them.
 */
export function parseOwners(out: Uint8Array): {owners: Owners; problems: readonly string[]} {
  const lines = count(out);
  const inode = new Uint32Array(lines);
  const pid = new Uint32Array(lines);
  const fd = new Uint32Array(lines);
  let rows = 0;
  let strange = 0;
  const numbers = [0, 0, 0];
  for (let i = 0; i < out.length; ) {
    // Each line holds exactly three numbers; everything between them is punctuation and the two words.
    let found = 0;
    let good = true;
    const start = i;
    for (; i < out.length && out[i] !== LF; ) {
      let digit = out[i]! - 48;
      if (digit < 0 || digit > 9) {
        i += 1;
        continue;
      }
      let value = 0;
      do {
        value = value * 10 + digit;
        i += 1;
        digit = i < out.length ? out[i]! - 48 : -1;
      } while (digit >= 0 && digit <= 9);
      if (found < 3) numbers[found] = value;
      found += 1;
      if (value > 0xffff_ffff) good = false;
    }
    if (i > start) {
      if (good && found === 3 && looksRight(out, start, i)) {
        pid[rows] = numbers[0]!;
        fd[rows] = numbers[1]!;
        inode[rows] = numbers[2]!;
        rows += 1;
      } else strange += 1;
    }
    i += 1;
  }
  const order = sortedBy(inode.subarray(0, rows));
  const problems = strange > 0 ? [`${strange} lines that name no process, descriptor and socket.`] : [];
  return {
    owners: {count: rows, inode: pick(inode, order), pid: pick(pid, order), fd: pick(fd, order)},
    problems,
  };
}

/** The same of entries that another tool told (`ss -p`, `netstat -p`). */
export function ownersOf(
  entries: readonly {readonly inode: number; readonly pid: number; readonly fd: number}[],
): Owners {
  const rising = [...entries].sort((a, b) => a.inode - b.inode);
  const column = (key: 'inode' | 'pid' | 'fd') =>
    pick(
      Uint32Array.from(rising, entry => entry[key]),
      Uint32Array.from(rising, (_, i) => i),
    );
  return {count: rising.length, inode: column('inode'), pid: column('pid'), fd: column('fd')};
}

function count(out: Uint8Array): number {
  let lines = 1;
  for (let i = out.indexOf(LF); i >= 0; i = out.indexOf(LF, i + 1)) lines += 1;
  return lines;
}

/** `…/fd/N socket:[N]`: ends with a bracket, and begins with a digit or a slash. */
function looksRight(out: Uint8Array, from: number, to: number): boolean {
  const first = out[from]!;
  return out[to - 1] === 0x5d && (first === SLASH || (first >= 48 && first <= 57)) && out[from + 1] !== 0x20;
}

/** Indices that put `keys` in rising order, stable: a radix sort of three passes, linear in the million. */
function sortedBy(keys: Uint32Array): Uint32Array {
  const n = keys.length;
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i += 1) order[i] = i;
  let other = new Uint32Array(n);
  for (const shift of [0, 11, 22]) {
    const places = new Uint32Array(2049);
    for (let i = 0; i < n; i += 1) places[((keys[i]! >>> shift) & 2047) + 1]! += 1;
    for (let i = 0; i < 2048; i += 1) places[i + 1]! += places[i]!;
    for (let i = 0; i < n; i += 1) {
      const row = order[i]!;
      const digit = (keys[row]! >>> shift) & 2047;
      other[places[digit]!] = row;
      places[digit]! += 1;
    }
    [order, other] = [other, order];
  }
  return order;
}

/** `column` in the given order, in memory that both threads see. */
function pick(column: Uint32Array, order: Uint32Array): Uint32Array<SharedArrayBuffer> {
  const picked = new Uint32Array(new SharedArrayBuffer(order.length * 4));
  for (let i = 0; i < order.length; i += 1) picked[i] = column[order[i]!]!;
  return picked;
}

/** Pieces one after the other are one scan. */
function pastedOwners(reply: Pick<Reply, 'reader' | 'out'>) {
  const pieces = piecesOf(reply);
  const [only] = pieces;
  return parseOwners(
    only && pieces.length === 1
      ? only.out
      : new Uint8Array(Buffer.concat(pieces.flatMap(({out}) => [out, Buffer.from('\n')]))),
  );
}

const LS = 'ls-sockets@1';
const NEEDS_ROOT = "Only sockets of the user's own processes have an owner.";

export const OWNERS: Fact = {
  name: 'owners',
  reader: {
    name: 'find-sockets@1',
    fact: 'owners',
    scope: 'node',
    command: "cd /proc && find [0-9]*/fd -lname 'socket:*' -printf '%p %l\\n'",
    why: 'Which process holds which socket, in one scan of the node instead of one in every namespace.',
    tool: 'find',
    withoutRoot: NEEDS_ROOT,
    limit: 64_000_000,
    timeout: 10,
  },
  otherwise: [
    {
      reader: {
        name: LS,
        fact: 'owners',
        scope: 'node',
        command:
          'cd /proc && ls -ln [0-9]*/fd 2>/dev/null | ' +
          `awk '/^[0-9]+\\/fd:$/ { d = substr($0, 1, length($0) - 1) } / -> socket:\\[[0-9]+\\]$/ { print d "/" $(NF - 2) " " $NF }'`,
        tool: 'ls',
        why: "Where `find` is busybox's, which prints no links: the same.",
        withoutRoot: NEEDS_ROOT,
        limit: 64_000_000,
        timeout: 10,
      },
    },
  ],
  cadence: {when: 'sweep'},
  formats: [
    {
      name: 'find-sockets@1',
      label: "find /proc/[0-9]*/fd -lname 'socket:*' -printf '%p %l\\n'",
      looks: ({lines}) => /^(\/proc\/)?\d+\/fd\/\d+ socket:\[\d+\]$/.test(lines[0] ?? ''),
      redact: out => out,
    },
  ],
  contribute(reply, soFar) {
    const {owners, problems} = pastedOwners(reply);
    const gaps = gapsOf(
      reply,
      reply.reader === LS
        ? {name: 'ls', package: 'coreutils', fine: [1]}
        : {name: 'find', package: 'findutils', fine: [1]},
      problems,
      {
        soFar,
        withoutRoot: NEEDS_ROOT,
      },
    );
    // What it prints is made of lists that a pipe gathers, whose failure nothing tells.
    if (owners.count === 0 && reply.reader === LS && gaps.length === 0)
      gaps.push({
        node: reply.node,
        fact: reply.fact,
        reason: `ls showed no socket of any process on node ${reply.node}, though there must be some.`,
        reveal: `Install findutils on ${reply.node}.`,
      });
    if (owners.count === 0 && gaps.length > 0) return {gaps};
    return {node: {owners: dated(reply, owners)}, gaps};
  },
  /** Nothing secret: numbers only. */
  redact: out => out,
};
