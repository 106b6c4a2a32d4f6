import type {Reader, Reply} from '../wire/source.ts';
import {dated, gapsOf} from './contribution.ts';
import type {Gap} from './evidence.ts';
import type {Contribution, Fact} from './fact.ts';
import {quoted} from './lines.ts';
import {ownersOf} from './owners.ts';
import {inFile, PASTED, piecesOf} from './pieces.ts';
import type {Snapshot} from './snapshot.ts';
import {appendKept, createDraft, type Draft, finish} from './sockets/columns.ts';
import {otherHolders} from './sockets/holders.ts';
import {
  appendPasted,
  createNumbers,
  leftOut,
  type OwnerEntry,
  readPiece,
  SOCKET_FORMATS,
  whyPartial,
} from './sockets/pasted.ts';
import {restless} from './sockets/restless.ts';
import {type Misread, scanSs} from './sockets/ss.ts';
import type {SocketTable} from './sockets/table.ts';

export {NO_UID, retransAt, type SocketTable, STATES, UNNUMBERED} from './sockets/table.ts';

/**
 * Two lines a socket rather than `-O`: that option came with iproute2 5.2, `-H` with 4.7; both forms are as long, for
 * ss pads its lines. The parser reads either. `-p` is left out: it would scan every process once a namespace, and
 * `owners` knows the same from one scan a node.
 *
 * `-e` (inode, user) makes ss walk the node's whole cgroup2 tree in every run, to print a path that nobody asked for;
 * where there is no cgroup2 it reads /proc/mounts once a socket. With no more than four open files it has its three
 * and one netlink socket, and leaves that alone: a third of the cost on a small node. What it then cannot name either
 * is a device, which it prints as `if` and its index (`nameDevices`). Where it cannot even start so, it runs as usual.
 */
const reader: Reader = {
  name: 'ss@1',
  fact: 'sockets',
  scope: 'each-netns',
  command: 'ss -tunaieH',
  files: 4,
  quiet: true,
  why: 'TCP and UDP sockets with their queues, round-trip times, retransmissions and inodes',
  withoutRoot: 'the sockets of the namespace one is in are seen, but entering that of a pod takes root',
  touches:
    'asks the kernel by netlink (sock_diag): where inet_diag, tcp_diag and udp_diag are modules and not loaded yet, the kernel loads them',
  limit: 256 * 1024 * 1024,
  timeout: 20,
};

const SS = {name: 'ss', package: 'iproute2'};

/** One namespace's share of a table: what ss said there, or the rows that an earlier table has of it. */
export type SocketPart =
  | {readonly netns: string; readonly out: Uint8Array; readonly truncated?: boolean}
  | {readonly netns: string; readonly kept: SocketTable};

export type SocketProblem = {readonly netns: string; readonly sentence: string};

/**
 * Makes one table of the answers of a node's namespaces, in their order. Nothing is thrown: what was not understood
 * is counted, and the first such line of each namespace is shown in `problems`. Memory: `ROW_BYTES` a socket, and
 * nothing of `out` is kept.
 */
export function parseSockets(parts: readonly SocketPart[]): {
  readonly table: SocketTable;
  readonly problems: readonly SocketProblem[];
} {
  const draft = createDraft(parts.reduce((rows, part) => rows + expectedRows(part), 16));
  const problems: SocketProblem[] = [];
  for (const part of parts) {
    const {netns} = part;
    const sentence =
      draft.netns.includes(netns) || draft.netns.length > 0xffff
        ? 'a second answer of this namespace in one sweep, or one namespace too many, was left out'
        : 'kept' in part
          ? void appendKept(draft, netns, part.kept)
          : appendScanned(draft, netns, part.out, part.truncated ?? false);
    if (sentence !== undefined) problems.push({netns, sentence});
  }
  return {table: finish(draft), problems};
}

/** Answers with a sentence when some of it was not understood. */
function appendScanned(draft: Draft, netns: string, out: Uint8Array, truncated: boolean): string | undefined {
  const index = draft.netns.push(netns) - 1;
  const bytes = wholeLines(Buffer.from(out.buffer, out.byteOffset, out.byteLength), truncated);
  const misread = scanSs(bytes, draft, index);
  return misread.lines > 0 ? misreadSentence(misread, bytes) : undefined;
}

/** A cut answer ends in the middle of a line, which would be misread; a whole one may lack its last newline. */
function wholeLines(bytes: Buffer, truncated: boolean): Buffer {
  if (bytes.length === 0 || bytes[bytes.length - 1] === 0x0a) return bytes;
  return truncated
    ? bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
    : Buffer.concat([bytes, Buffer.from('\n')]);
}

function misreadSentence({lines, from, to}: Misread, bytes: Buffer): string {
  const first = quoted(bytes.toString('utf8', from, Math.min(to, from + 240)).trimEnd());
  return `${lines} ${lines === 1 ? 'line was' : 'lines were'} not understood, the first: ${first}`;
}

/** How many rows the beginning of an answer lets one expect of the whole of it. */
function expectedRows(part: SocketPart): number {
  if ('kept' in part) return 0;
  const {out} = part;
  const sample = Math.min(out.length, 65_536);
  let rows = 0;
  for (let i = 0; i < sample; i++) {
    const begins = i === 0 || out[i - 1] === 0x0a;
    if (begins && (out[i] === 0x74 || out[i] === 0x75)) rows++;
  }
  return sample === out.length ? rows : Math.ceil((rows / sample) * out.length * 1.03);
}

/** Puts the links' names where ss printed `if3` for the device with index 3. The table is new, so its column is ours. */
function nameDevices(table: SocketTable, soFar: Snapshot): SocketTable {
  if (!table.words.some(word => /^if\d+$/.test(word))) return table;
  const words = [...table.words];
  const known = new Map<string, number>();
  for (let i = 0; i < table.count; i++) {
    const word = table.words[table.device[i]!]!;
    if (!/^if\d+$/.test(word)) continue;
    const netns = table.netns[table.netnsIndex[i]!]!;
    const key = `${netns} ${word}`;
    let index = known.get(key);
    if (index === undefined) {
      const links = soFar.netns.get(netns)?.links?.value;
      const name = links?.find(link => link.ifindex === Number(word.slice(2)))?.name ?? word;
      index = words.indexOf(name);
      if (index < 0) index = words.length < 0xffff ? words.push(name) - 1 : table.device[i]!;
      known.set(key, index);
    }
    table.device[i] = index;
  }
  return {...table, words};
}

const PASTE_ALL =
  'Paste all that `ss -tunapie` or `netstat -antup` prints, with the prompt and the command before it.';

/** The same for what was pasted, which also tells holders where nothing better does. */
function collectPasted(replies: readonly Reply[], soFar: Snapshot): Contribution {
  const draft = createDraft(64);
  const numbered = createNumbers();
  const entries: OwnerEntry[] = [];
  const gaps: Gap[] = [];
  for (const reply of replies) {
    const said = piecesOf(reply).map(readPiece);
    entries.push(...appendPasted(draft, reply.netns ?? '', said, numbered));
    const problems = said.flatMap(one => one.problems.map(problem => inFile(one.piece, problem)));
    gaps.push(...gapsOf(reply, SS, problems));
    for (const {piece, rows, for: taken} of leftOut(said)) {
      const {node, fact, netns} = reply;
      gaps.push({
        node,
        fact,
        ...(netns !== undefined && {netns}),
        reason: `Of ${node}, ${rows} ${rows === 1 ? 'socket' : 'sockets'} of ${piece.file ?? 'one paste'} ${rows === 1 ? 'is' : 'are'} left out: ${taken.file ?? 'another'} shows the same kinds, and is taken.`,
        reveal: 'Where they are of another node, import them with --node, or one directory a node.',
      });
    }
    const missing = whyPartial(said.map(({piece}) => piece));
    if (missing) {
      const {node, fact, netns} = reply;
      gaps.push({
        node,
        fact,
        ...(netns !== undefined && {netns}),
        reason: `Of ${node}, ${missing}.`,
        reveal: PASTE_ALL,
      });
    }
  }
  const [first] = replies;
  const owners = soFar.owners || entries.length === 0 ? {} : {owners: dated(first!, ownersOf(entries))};
  return {node: {sockets: dated(first!, finish(draft)), ...owners}, gaps};
}

/** All namespaces' sockets of one node make one table, so replies are parsed together when the sweep is complete. */
export const sockets: Fact = {
  name: 'sockets',
  reader,
  cadence: {when: 'sweep'},
  fresh: (soFar, before) => [
    ...new Set([...(soFar.sockets ? restless(soFar.sockets.value) : []), ...otherHolders(soFar, before)]),
  ],
  contribute: () => ({}),
  formats: SOCKET_FORMATS,
  collect(replies, soFar) {
    if (replies.some(({reader: name}) => name === PASTED)) return collectPasted(replies, soFar);
    const newest = replies.reduce<Reply | undefined>((a, b) => (a && a.sweep >= b.sweep ? a : b), undefined);
    if (!newest) return {};
    const {table, problems} = parseSockets(
      replies.map(({netns = '', out, truncated = false}) => ({netns, out, truncated})),
    );
    const gaps = replies.flatMap((reply, i) => {
      const mine = problems.filter(({netns}) => netns === (reply.netns ?? '')).map(({sentence}) => sentence);
      // ss ends well even when it could ask nobody.
      if (reply.out.length === 0 && /^Cannot open netlink socket/m.test(reply.err)) {
        mine.push('it could not open a netlink socket, so that no socket was seen');
      }
      // What an ordinary user misses is said once.
      return gapsOf(reply, SS, mine, i === 0 ? {soFar, withoutRoot: reader.withoutRoot} : undefined);
    });
    return {node: {sockets: dated(newest, nameDevices(table, soFar))}, gaps};
  },
  // Addresses, users' numbers and names of cgroups; no command line and no environment.
  redact: out => out,
};
