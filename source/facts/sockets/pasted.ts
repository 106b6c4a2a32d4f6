/**
 * Sockets of outputs that a person pasted: several tools' for one namespace, perhaps filtered, perhaps each of another
 * moment. One table is made of them, and of whom they say holds each socket.
 */
import type {Format, Sample} from '../fact.ts';
import {quoted} from '../lines.ts';
import type {FoundPiece} from '../pieces.ts';
import {appendRow, type Draft} from './columns.ts';
import {parseNetstat} from './netstat.ts';
import {scanPasted} from './ss-pasted.ts';
import {NO_RETRANS, type SocketTable, UNNUMBERED} from './table.ts';

/** A process that holds row `row` of a piece's table, as the tool itself says. `fd` is 0 where it does not. */
export type Holder = {
  readonly row: number;
  readonly pid: number;
  readonly fd: number;
  readonly program: string;
};

/** What one piece says. `partial`: why sockets may be missing from it. */
export type Said = {
  readonly piece: FoundPiece;
  readonly table: SocketTable;
  readonly holders: readonly Holder[];
  readonly problems: readonly string[];
};

export type OwnerEntry = {readonly inode: number; readonly pid: number; readonly fd: number};

const SS = /^(?:tcp|udp) +[A-Z0-9-]+ +\d+ +\d+ +\S+:\S+ +\S+:\S+/;
const SS_STATE = /^[A-Z][A-Z0-9-]+ +\d+ +\d+ +\S+:[\d*]+ +\S+:[\d*]+/;
const NETSTAT = /^(?:tcp|udp)6? +\d+ +\d+ +\S+:[\d*]+ +\S+:[\d*]+/;
const NOT_ROWS = /^(Failed to find cgroup2 mount|Cannot open netlink|\(|will not be shown)/;

const rowsIn = ({lines}: Sample) => lines.filter(line => !NOT_ROWS.test(line)).slice(0, 3);

/** Addresses, states, numbers and short names of programs: no command line, no environment. */
const redact = (out: Uint8Array): Uint8Array => out;

export const SOCKET_FORMATS: readonly Format[] = [
  {
    name: 'ss@1',
    label: 'ss -tunapie',
    looks: sample =>
      rowsIn(sample).some((line, i) => SS.test(line) || (i === 0 && /^Netid\s+State\s/.test(line))),
    redact,
  },
  {
    name: 'ss-state@1',
    label: 'ss -tnp',
    looks: sample =>
      rowsIn(sample).some(
        (line, i) => SS_STATE.test(line) || (i === 0 && /^State\s+Recv-Q\s+Send-Q\s/.test(line)),
      ),
    redact,
  },
  {
    name: 'netstat@1',
    label: 'netstat -antup',
    looks: sample =>
      rowsIn(sample).some(
        (line, i) => NETSTAT.test(line) || (i === 0 && /^(Active Internet|Proto\s+Recv-Q)/.test(line)),
      ),
    redact,
  },
];

/** Does this text say who holds its sockets? Then processes are known by it, too. */
export function tellsHolders({out}: Pick<Sample, 'out'>): boolean {
  return /\s\d+\/\S|users:\(\(/.test(
    Buffer.from(out.buffer, out.byteOffset, Math.min(out.length, 1 << 20)).toString('latin1'),
  );
}

/** Reads one piece. Byte ranges of its rows count from the piece's own beginning. */
export function readPiece(piece: FoundPiece): Said {
  if (piece.format === 'netstat@1') {
    const {table, pid, program, programs, problems} = parseNetstat(piece.out);
    const holders: Holder[] = [];
    for (let row = 0; row < table.count; row += 1) {
      if (pid[row] !== 0) holders.push({row, pid: pid[row]!, fd: 0, program: programs[program[row]!]!});
    }
    return {piece, table, holders, problems};
  }
  return {piece, ...scanPasted(piece.out, piece.format === 'ss-state@1')};
}

/** Richest first: with inodes, then with round-trip times and all, then the rest. */
function richness({piece, table}: Said): number {
  if (piece.format === 'netstat@1') return 2;
  return table.count > 0 && table.inode.every(inode => inode === 0) ? 1 : 0;
}

/**
 * Appends the sockets of one namespace to `draft`. Outputs of one tool after the other are of different moments: what a
 * richer one shows of a kind of sockets (TCP or UDP, listening or not) stands, and a poorer one only adds the kinds
 * that are missing, and holders. A socket whose holder is known but not its inode gets a number above `UNNUMBERED`.
 */
export function appendPasted(
  draft: Draft,
  netns: string,
  pieces: readonly Said[],
  numbered: {next: number},
): OwnerEntry[] {
  const netnsIndex = draft.netns.push(netns) - 1;
  const owners: OwnerEntry[] = [];
  const known = new Set<string>();
  const taken = new Map<string, number[]>();
  const kinds = new Set<string>();
  for (const said of [...pieces].sort((a, b) => richness(a) - richness(b))) {
    const {table, holders, piece} = said;
    const held = Map.groupBy(holders, ({row}) => row);
    const own = new Set<string>();
    const counted = showsInternals(table);
    for (let row = 0; row < table.count; row += 1) {
      const kind = kindOf(table, row);
      if (!kinds.has(kind)) {
        own.add(kind);
        const at = appendRow(draft, table, row, netnsIndex, piece.from);
        if (!counted) draft.columns.retrans[at] = NO_RETRANS;
        const key = tupleOf(table, row);
        const others = taken.get(key);
        if (others) others.push(at);
        else taken.set(key, [at]);
        hold(draft, at, held.get(row) ?? [], owners, numbered, known);
        continue;
      }
      const same = taken.get(tupleOf(table, row)) ?? [];
      // Two sockets with the same addresses (SO_REUSEPORT): nobody knows whose holder this is.
      if (same.length === 1) hold(draft, same[0]!, held.get(row) ?? [], owners, numbered, known);
    }
    for (const kind of own) kinds.add(kind);
  }
  return owners;
}

/** Was it `ss -i`? Then a socket without retransmissions had none; else nobody looked. */
function showsInternals({rtt, congestion}: SocketTable): boolean {
  return rtt.some(ms => !Number.isNaN(ms)) || congestion.some(index => index !== 0);
}

/** A piece with sockets of a kind that another piece is taken for, and how many it has that the other has not. */
export type LeftOut = {readonly piece: FoundPiece; readonly rows: number; readonly for: FoundPiece};

/** The sockets that `appendPasted` does not take of one namespace's pieces, though none that it takes is the same. */
export function leftOut(pieces: readonly Said[]): LeftOut[] {
  const kinds = new Map<string, FoundPiece>();
  const seen = new Set<string>();
  const left: LeftOut[] = [];
  for (const {table, piece} of [...pieces].sort((a, b) => richness(a) - richness(b))) {
    const rows = Array.from({length: table.count}, (_, row) => row);
    const own = rows.filter(row => !kinds.has(kindOf(table, row)));
    const others = rows.filter(row => kinds.has(kindOf(table, row)) && !seen.has(tupleOf(table, row)));
    if (others.length > 0)
      left.push({piece, rows: others.length, for: kinds.get(kindOf(table, others[0]!))!});
    for (const row of own) seen.add(tupleOf(table, row));
    for (const row of own) if (!kinds.has(kindOf(table, row))) kinds.set(kindOf(table, row), piece);
  }
  return left;
}

/** TCP or UDP, listening or not. */
function kindOf({protocol, remotePort}: SocketTable, row: number): string {
  return `${protocol[row]} ${remotePort[row] === 0}`;
}

function hold(
  draft: Draft,
  at: number,
  holders: readonly Holder[],
  owners: OwnerEntry[],
  numbered: {next: number},
  known: Set<string>,
): void {
  if (holders.length === 0) return;
  if (draft.columns.inode[at] === 0) draft.columns.inode[at] = numbered.next++;
  const inode = draft.columns.inode[at]!;
  for (const {pid, fd} of holders) {
    const key = `${inode} ${pid}`;
    if (known.has(key)) continue;
    known.add(key);
    owners.push({inode, pid, fd});
  }
}

function tupleOf({protocol, local, remote, localPort, remotePort}: SocketTable, row: number): string {
  const words = (column: Uint32Array) => column.subarray(row * 4, row * 4 + 4).join(',');
  return `${protocol[row]} ${words(local)}:${localPort[row]} ${words(remote)}:${remotePort[row]}`;
}

export function createNumbers(): {next: number} {
  return {next: UNNUMBERED};
}

/** Why sockets may be missing from all pieces of a namespace; undefined where one of them shows all. */
export function whyPartial(pieces: readonly FoundPiece[]): string | undefined {
  const reasons = pieces.map(({command, file = 'a file'}) => {
    if (command === undefined) return `it is not known how ${file} was made: sockets may be missing from it`;
    const filter = /\|\s*(\w+)/.exec(command)?.[1];
    if (filter !== undefined)
      return `what ${quoted(command)} printed was filtered by ${filter}: other sockets are not seen`;
    const flags = new Set(/\b(?:ss|netstat)\s+((?:-\S+\s*)+)$/.exec(command)?.[1] ?? '');
    const [all, tcp, udp] = ['a', 't', 'u'].map(flag => flags.has(flag));
    if (!all) return `${quoted(command)} does not show both listening and connected sockets`;
    if (tcp !== udp) return `${quoted(command)} shows ${tcp ? 'no UDP' : 'no TCP'} sockets`;
    return undefined;
  });
  return reasons.includes(undefined) ? undefined : reasons[0];
}
