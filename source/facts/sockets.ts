import type {Reader, Reply} from '../wire/source.ts';
import {dated, gapsOf} from './contribution.ts';
import type {Gap} from './evidence.ts';
import type {Contribution, Fact} from './fact.ts';
import {quoted} from './lines.ts';
import {type Owners, ownersOf} from './owners.ts';
import {inFile, PASTED, piecesOf} from './pieces.ts';
import {isBigEndian} from './proc/network.ts';
import {PROC_SOCKETS, scanProcSockets} from './proc/sockets.ts';
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
  withoutRoot:
    'of sockets in other namespaces no round-trip times or retransmissions are seen, since entering those takes root',
  touches:
    'asks the kernel by netlink (sock_diag): where inet_diag, tcp_diag and udp_diag are modules and not loaded yet, the kernel loads them',
  limit: 256 * 1024 * 1024,
  timeout: 20,
};

const SS = {name: 'ss', package: 'iproute2'};

/** One namespace's share of a table: what its reader said there, `ss` by default, or the rows that an earlier table has of it. */
export type SocketPart =
  | {
      readonly netns: string;
      readonly out: Uint8Array;
      readonly truncated?: boolean;
      readonly reader?: string;
      /** Of `PROC_SOCKETS`: the node stores the most significant byte first. */
      readonly big?: boolean;
    }
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
          : appendScanned(draft, part);
    if (sentence !== undefined) problems.push({netns, sentence});
  }
  return {table: finish(draft), problems};
}

/** Answers with a sentence when some of it was not understood. */
function appendScanned(
  draft: Draft,
  {netns, out, truncated = false, reader: name, big = false}: Extract<SocketPart, {out: Uint8Array}>,
): string | undefined {
  const index = draft.netns.push(netns) - 1;
  const bytes = wholeLines(Buffer.from(out.buffer, out.byteOffset, out.byteLength), truncated);
  if (name === PROC_SOCKETS.name) return scanProcSockets(bytes, draft, index, big);
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

const NETSTATS: readonly Reader[] = ['netstat -antupW', 'netstat -antu'].map((command, i) => ({
  name: i === 0 ? 'netstat@1' : 'netstat-brief@1',
  fact: 'sockets',
  scope: 'each-netns',
  command,
  why: "Where neither `ss` nor the kernel's own files can be read: TCP and UDP sockets with their queues",
  limit: 64 * 1024 * 1024,
  timeout: 20,
}));
const NETSTAT_NAMES = new Set(NETSTATS.map(({name}) => name));

const NO_DETAILS =
  'round-trip times, retransmissions, the bound of a backlog, and whether an IPv6 socket takes IPv4';

/** Where `netstat` reads some namespaces: it tells no inode, so it is also what tells who holds their sockets. */
function collectNetstat(
  replies: readonly Reply[],
  draft: Draft,
): {entries: OwnerEntry[]; said: Map<Reply, string[]>} {
  const numbered = createNumbers();
  const entries: OwnerEntry[] = [];
  const said = new Map<Reply, string[]>();
  for (const reply of replies) {
    const piece = readPiece({format: 'netstat@1', from: 0, out: reply.out});
    entries.push(...appendPasted(draft, reply.netns ?? '', [piece], numbered));
    said.set(reply, [...piece.problems]);
  }
  return {entries, said};
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
    // Not as arguments: there may be more of them than a call takes.
    for (const entry of appendPasted(draft, reply.netns ?? '', said, numbered)) entries.push(entry);
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

function toolNamed({reader: name}: Reply) {
  if (NETSTAT_NAMES.has(name)) return {name: 'netstat', package: 'net-tools'};
  return name === PROC_SOCKETS.name ? {name: "the kernel's files"} : SS;
}

function withOwners(owners: Owners | undefined, entries: readonly OwnerEntry[]): Owners {
  const known = Array.from({length: owners?.count ?? 0}, (_, i) => ({
    inode: owners!.inode[i]!,
    pid: owners!.pid[i]!,
    fd: owners!.fd[i]!,
  }));
  return ownersOf([...known, ...entries]);
}

/** All namespaces' sockets of one node make one table, so replies are parsed together when the sweep is complete. */
export const sockets: Fact = {
  name: 'sockets',
  reader,
  otherwise: [
    {
      reader: {
        ...reader,
        name: 'ss-header@1',
        command: 'ss -tunaie',
        why: 'Where `ss` knows no -H (before iproute2 4.7): the same',
      },
    },
    {reader: PROC_SOCKETS, loses: NO_DETAILS},
    {reader: NETSTATS[0]!, loses: `${NO_DETAILS}, inodes and users`},
    {reader: NETSTATS[1]!, loses: `${NO_DETAILS}, inodes, users and who holds a socket`},
  ],
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
    const big = isBigEndian(soFar.identity?.value.arch);
    const [netstats, others] = [
      replies.filter(reply => NETSTAT_NAMES.has(reply.reader)),
      replies.filter(reply => !NETSTAT_NAMES.has(reply.reader)),
    ];
    const draft = createDraft(64);
    const {entries, said} = collectNetstat(netstats, draft);
    const told = netstats.length > 0 ? finish(draft) : undefined;
    const {table, problems} = parseSockets([
      ...others.map(({netns = '', out, truncated = false, reader: name}) => ({
        netns,
        out,
        truncated,
        reader: name,
        big,
      })),
      ...netstats.flatMap(({netns = ''}) => (told ? [{netns, kept: told}] : [])),
    ]);
    const owners =
      entries.length > 0 ? {owners: dated(newest, withOwners(soFar.owners?.value, entries))} : {};
    const gaps = replies.flatMap((reply, i) => {
      const mine =
        said.get(reply) ??
        problems.filter(({netns}) => netns === (reply.netns ?? '')).map(({sentence}) => sentence);
      // ss ends well even when it could ask nobody.
      if (reply.out.length === 0 && /^Cannot open netlink socket/m.test(reply.err)) {
        mine.push('it could not open a netlink socket, so that no socket was seen');
      }
      // What an ordinary user misses is said once.
      return gapsOf(
        reply,
        toolNamed(reply),
        mine,
        i === 0 ? {soFar, withoutRoot: reader.withoutRoot} : undefined,
      );
    });
    return {node: {sockets: dated(newest, nameDevices(table, soFar)), ...owners}, gaps};
  },
  // Addresses, users' numbers and names of cgroups; no command line and no environment.
  redact: out => out,
};
