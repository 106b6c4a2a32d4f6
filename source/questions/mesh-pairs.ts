import type {Grade} from '../model/graph.ts';
import type {At, Cell} from './mesh-cells.ts';
import {type Expected, isRead} from './mesh-expected.ts';
import type {Channel, Flows, Member} from './mesh-flows.ts';

/**
 * What was seen of one member calling another on a port.
 * `both`: from both ends. `caller`, `called`: from one end only, though the other was read. `caller-unread`,
 * `called-unread`: the other was not, so nothing is missing. `calling`: it calls without an answer. `stuck`: what it
 * sends is not acknowledged. `served`: a UDP socket takes it, and does not show from whom. `past`: only what is left of closed ones. `none`: nothing, though others have it.
 * `unknown`: nothing was seen and one of the two was not read.
 */
export const SEEN = [
  'calling',
  'stuck',
  'none',
  'caller',
  'called',
  'unknown',
  'caller-unread',
  'called-unread',
  'both',
  'served',
  'past',
] as const;
export type Seen = (typeof SEEN)[number];

export type Pair = {
  readonly from: Member;
  readonly to: Member;
  readonly channel: Channel;
  readonly seen: Seen;
  readonly grade: Grade;
  readonly connections: number;
  readonly retrans: number | undefined;
  /** Whose bytes are not acknowledged. */
  readonly stuckAt: 'from' | 'to' | undefined;
  readonly expected: boolean;
  readonly sockets: readonly At[];
};

/** Every pair of a channel that has, or should have, a connection; in the order of the members. */
export function pairsOf(flows: Flows, channel: Channel, expected: Expected | undefined): Pair[] {
  const {members} = flows;
  const pairs: Pair[] = [];
  const read = members.map(isRead);
  for (const from of members) {
    for (const to of members) {
      const cell = channel.cells.get(flows.cellKey(from.index, to.index));
      if (cell) {
        pairs.push(seenPair(cell, from, to, channel, expected?.pair(from.index, to.index) ?? false));
        continue;
      }
      if (!expected || from === to) continue;
      const turned = expected.either && channel.cells.has(flows.cellKey(to.index, from.index));
      if (turned) continue;
      const blind = !read[from.index] || !read[to.index];
      if (!blind && !expected.pair(from.index, to.index)) continue;
      pairs.push({
        from,
        to,
        channel,
        seen: blind ? 'unknown' : 'none',
        grade: blind ? 'unknown' : 'inferred',
        connections: 0,
        retrans: undefined,
        stuckAt: undefined,
        expected: true,
        sockets: [],
      });
    }
  }
  return pairs;
}

function seenPair(cell: Cell, from: Member, to: Member, channel: Channel, expected: boolean): Pair {
  const seen = seenOf(cell);
  return {
    from,
    to,
    channel,
    seen,
    grade: gradeOf(seen, cell),
    connections:
      cell.joined +
      cell.caller +
      cell.called +
      cell.callerUnread +
      cell.calledUnread +
      cell.served +
      cell.calling,
    retrans: cell.retrans,
    stuckAt: cell.stuckAt,
    expected,
    sockets: cell.sockets,
  };
}

function gradeOf(seen: Seen, {joined, translated}: Cell): Grade {
  if (seen === 'both') return joined > translated ? 'proven' : 'inferred';
  return seen === 'caller' || seen === 'called' ? 'unknown' : 'inferred';
}

/** Trouble first; one connection that is whole says that the way is open, whatever else is half seen. */
function seenOf(cell: Cell): Seen {
  if (cell.calling > 0) return 'calling';
  if (cell.stuck > 0) return 'stuck';
  if (cell.joined > 0) return 'both';
  if (cell.caller > 0) return 'caller';
  if (cell.called > 0) return 'called';
  if (cell.callerUnread > 0) return 'caller-unread';
  if (cell.calledUnread > 0) return 'called-unread';
  return cell.served > 0 ? 'served' : 'past';
}

/** Something is wrong with it, as far as was seen: half seen ones only where all have one, since they come and go. */
export function isTrouble({seen, expected, from, to}: Pair): boolean {
  if (seen === 'calling' || seen === 'stuck') return true;
  return from !== to && expected && (seen === 'none' || seen === 'caller' || seen === 'called');
}

/** `worker-7 → worker-12: only seen from worker-7`, without the port. */
export function pairSentence({from, to, seen, connections, stuckAt}: Pair): string {
  const [a, b] = [from.name, to.name];
  switch (seen) {
    case 'calling':
      return `calls without an answer`;
    case 'stuck':
      return `what ${stuckAt === 'to' ? b : a} sends is sent again and not acknowledged`;
    case 'none':
      return `none, though others have one`;
    case 'caller':
      return `only seen from ${a}: ${b} was read and has no such socket`;
    case 'called':
      return `only seen from ${b}: ${a} was read and has no such socket`;
    case 'caller-unread':
      return `seen from ${a}; the other end was not read`;
    case 'called-unread':
      return `seen from ${b}; the other end was not read`;
    case 'both':
      return `${connections === 1 ? 'seen' : `${connections} seen`} from both ends`;
    case 'served':
      return `seen from ${a}; a UDP socket of ${b} takes it, and does not show from whom`;
    case 'past':
      return `closed: only what is left of it was seen`;
    case 'unknown':
      return `not known: ${unreadOf(from, to)} not read`;
  }
}

function unreadOf(from: Member, to: Member): string {
  const names = [from, to].filter(member => !isRead(member)).map(({name}) => name);
  return `${names.join(' and ')} ${names.length === 1 ? 'was' : 'were'}`;
}
