import {retransAt, STATES} from '../facts/sockets.ts';
import type {JoinKey} from '../model/joins.ts';
import type {SocketWorld, WorldNode} from './sockets-world.ts';

/** One socket: node index and row of its table. */
export type At = {readonly node: number; readonly row: number};

/** How many connections from one member to another were seen how, on one port. */
export type Cell = {
  readonly from: number;
  readonly to: number;
  /** Seen from both ends; `translated` of them through NAT, which is inferred. */
  joined: number;
  translated: number;
  /** Seen from the end that calls, or that is called, while the other end was read and has it not. */
  caller: number;
  called: number;
  /** The same where the other end was not read. */
  callerUnread: number;
  calledUnread: number;
  /** To a UDP socket that takes what nobody connected to: it does not show whom it serves. */
  served: number;
  /** Calls without an answer, or sends without being acknowledged, after retransmissions. */
  calling: number;
  stuck: number;
  /** Whose bytes wait: the last one of those. */
  stuckAt: 'from' | 'to' | undefined;
  /** Closed already, or closing: one end is left. */
  past: number;
  retrans: number | undefined;
  /** A socket of each connection, the caller's where seen; those in trouble first. */
  readonly sockets: At[];
};

const SYN_SENT = STATES.indexOf('SYN-SENT');
const OPEN = new Set([STATES.indexOf('ESTAB'), STATES.indexOf('SYN-RECV'), SYN_SENT]);
const UDP = 1;
/** What a missing end means nothing for: it was not, or not wholly, read. */
const UNREAD: ReadonlySet<JoinKey> = new Set([
  'unread',
  'given',
  'listed',
  'ranged',
  'led',
  'perhaps',
  'outside',
  'beyond',
  'ebpf',
  'not-yet',
  'tracked-unread',
  'tracked-outside',
]);
/** A bound UDP socket takes what is sent there; it does not show from whom. */
const SERVER: ReadonlySet<JoinKey> = new Set(['server', 'tracked-server']);

export function isServer(join: JoinKey): boolean {
  return SERVER.has(join);
}

/** How a connection was seen: from the end that calls (`out`), with the other end's socket (`mutual`), and how joined. */
export type Look = {readonly out: boolean; readonly mutual: boolean; readonly join: JoinKey};

/** Counts one connection in its cell, by one of its sockets; true when it is in trouble. */
export function countIn(world: SocketWorld, cell: Cell, owner: WorldNode, row: number, look: Look): boolean {
  const {out, mutual, join} = look;
  const table = owner.table!;
  const state = table.state[row]!;
  const other = world.nodes[owner.ends!.node[row]!]?.table;
  const at = owner.ends!.row[row]!;
  cell.retrans = most(cell.retrans, retransAt(table, row), mutual ? retransAt(other!, at) : undefined);
  if (state === SYN_SENT) {
    cell.calling += 1;
    return true;
  }
  const held = whoIsStuck(world, owner, row);
  if (held) {
    cell.stuck += 1;
    cell.stuckAt = (held === 'here') === out ? 'from' : 'to';
  }
  if (mutual) {
    cell.joined += 1;
    if (join === 'translated') cell.translated += 1;
    return held !== undefined;
  }
  if (join === 'tracked-closed' || (table.protocol[row] !== UDP && !OPEN.has(state))) {
    cell.past += 1;
    return held !== undefined;
  }
  if (SERVER.has(join)) {
    cell.served += 1;
    return false;
  }
  const blind = UNREAD.has(join);
  if (out) cell[blind ? 'callerUnread' : 'caller'] += 1;
  else cell[blind ? 'calledUnread' : 'called'] += 1;
  return held !== undefined || !blind;
}

/** Whose bytes are not acknowledged though they were sent again, while nothing that was received waits to be read. */
function whoIsStuck(world: SocketWorld, {table, ends}: WorldNode, row: number): 'here' | 'there' | undefined {
  const other = world.nodes[ends!.node[row]!]?.table;
  const at = ends!.row[row]!;
  if (table!.recvQ[row]! > 0 || (other && other.recvQ[at]! > 0)) return undefined;
  if (table!.sendQ[row]! > 0 && (retransAt(table!, row) ?? 0) > 0) return 'here';
  return other && other.sendQ[at]! > 0 && (retransAt(other, at) ?? 0) > 0 ? 'there' : undefined;
}

/** The most of what is known; undefined where nothing is. */
export function most(...counts: readonly (number | undefined)[]): number | undefined {
  const known = counts.filter(count => count !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

export function emptyCell(from: number, to: number): Cell {
  return {
    from,
    to,
    joined: 0,
    translated: 0,
    caller: 0,
    called: 0,
    callerUnread: 0,
    calledUnread: 0,
    served: 0,
    calling: 0,
    stuck: 0,
    stuckAt: undefined,
    past: 0,
    retrans: undefined,
    sockets: [],
  };
}
