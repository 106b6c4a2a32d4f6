import * as v from 'valibot';
import {retransAt, STATES, UNNUMBERED} from '../facts/sockets.ts';
import {pidsHolding} from '../model/holders.ts';
import {JOINS} from '../model/joins.ts';
import {addressText, timeOfDay} from '../model/words.ts';
import {count, Evidence, Grade, list, maybe, text} from './schema.ts';
import type {SocketWorld, WorldNode} from './sockets-world.ts';
import {farEnd, serviceOf, Translation, translationsOf} from './translations.ts';

const Holding = v.object({
  pid: count('Process id.'),
  program: maybe.text('Short name of the executable.'),
  user: maybe.text('User it runs as.'),
  pod: maybe.text('Pod it is in.'),
  container: maybe.text('Container it is in.'),
  netns: maybe.text(
    'Its own network namespace, where that is not the socket’s: it holds a socket made elsewhere.',
  ),
});

const OtherEnd = v.object({
  grade: v.optional(Grade),
  join: text('How the other end was looked for and what came of it, as a key.'),
  why: text('The same in a sentence.'),
  node: maybe.text('Node that the other end is on.'),
  perhaps: v.pipe(
    list(v.string()),
    v.description('Nodes that were not, or not wholly, read, and that the remote address may be on.'),
  ),
  asOf: maybe.text('Moment it was read, when its node is not reached now.'),
  netns: maybe.text('Inode of its network namespace.'),
  pods: list(v.string()),
  service: maybe.text('Service that it goes through, as the nodes’ rules name it: NS/NAME:PORT.'),
  translations: v.pipe(
    list(Translation),
    v.description('What conntrack has between the ends, the client’s side first.'),
  ),
  far: maybe.text('Address and port of the other end as conntrack tells them.'),
  pid: maybe.count('A process that holds its socket.'),
  program: maybe.text('Name of that process.'),
  pod: maybe.text('Pod of the other end.'),
  container: maybe.text('Container of that process.'),
  local: maybe.text('Address of the other end as its own socket has it.'),
  localPort: maybe.count('Port of the other end as its own socket has it.'),
  remote: maybe.text('Remote address of its socket; not this socket’s local one when something translates.'),
  remotePort: maybe.count('Remote port of its socket.'),
  state: maybe.text('State of its socket.'),
  recvQ: maybe.count('Bytes its process has not read.'),
  sendQ: maybe.count('Bytes it sent that were not acknowledged.'),
  rtt: maybe.count('Its smoothed round-trip time, ms.'),
  retrans: maybe.count('Its retransmissions.'),
});

export const SocketRow = v.object({
  node: text('Node, by name.'),
  asOf: maybe.text('Moment it was read, when its node is not reached now.'),
  netns: text('Inode of the network namespace that the socket was seen in.'),
  place: v.picklist(['host', 'pod', 'other']),
  pods: v.pipe(list(v.string()), v.description('Pods whose namespace that is.')),
  protocol: v.picklist(['tcp', 'udp']),
  family: v.picklist([4, 6]),
  state: text('As ss prints it: ESTAB, LISTEN, UNCONN, TIME-WAIT, …'),
  recvQ: count('Bytes not read by the process; of a listener, connections not accepted.'),
  sendQ: count('Bytes not acknowledged by the other end; of a listener, the size of its backlog.'),
  local: text('Local address.'),
  localPort: count('Local port.'),
  remote: text('Remote address; 0.0.0.0 or :: for any.'),
  remotePort: count('Remote port; 0 for any.'),
  device: maybe.text('Interface it is bound to.'),
  inode: maybe.count('Inode; 0 for a socket without one, as in TIME-WAIT; absent where not known.'),
  uid: maybe.count('User id of its owner; absent where the socket has none any more.'),
  rtt: maybe.count('Smoothed round-trip time, ms.'),
  retrans: maybe.count('Retransmissions over its life; absent where not known.'),
  congestion: maybe.text('Congestion control.'),
  pid: maybe.count('First process that holds it.'),
  program: maybe.text('Name of that process.'),
  user: maybe.text('User of that process.'),
  pod: maybe.text('Pod: of the process, else of the namespace.'),
  container: maybe.text('Container of the process.'),
  holders: list(Holding),
  held: text('Who holds it and how that is known, or why it is not known.'),
  other: OtherEnd,
  evidence: list(Evidence),
});
export type SocketRow = v.InferOutput<typeof SocketRow>;
export type OtherEnd = v.InferOutput<typeof OtherEnd>;

/** A number that only joins a pasted socket to its holder is no inode. */
function numbered(inode: number, {numberless}: WorldNode, state: number): number | undefined {
  if (inode >= UNNUMBERED) return undefined;
  return inode === 0 && numberless && STATES[state] !== 'TIME-WAIT' ? undefined : inode;
}

/** What ss prints of a socket that is not a process's any more: (uid_t) -1. */
const NOBODY = 0xffff_ffff;

/** Many sockets: which, in order, and the columns they are in. Row `i` becomes an object by `socketAt`. */
export type SocketList = {
  readonly list: 'sockets';
  readonly count: number;
  readonly world: SocketWorld;
  /** `GraphNode.index` and row of its table, by place in this list. */
  readonly node: Uint16Array;
  readonly row: Uint32Array;
};

export function socketAt(sockets: SocketList, i: number): SocketRow {
  return socketRow(sockets.world, sockets.node[i]!, sockets.row[i]!);
}

export function socketRow(world: SocketWorld, node: number, row: number): SocketRow {
  const owner = world.nodes[node]!;
  const table = owner.table!;
  const family = table.family[row] === 6 ? 6 : 4;
  const placeIndex = owner.placeOf[table.netnsIndex[row]!]!;
  const place = world.places[placeIndex]!;
  const holders = holdersIn(world, owner, table.inode[row]!, placeIndex);
  const [first] = holders;
  const rtt = table.rtt[row]!;
  return {
    node: owner.name,
    asOf: owner.asOf,
    netns: place.inode,
    place: place.kind,
    pods: place.pods,
    protocol: table.protocol[row] === 1 ? 'udp' : 'tcp',
    family,
    state: STATES[table.state[row]!] ?? 'UNKNOWN',
    recvQ: table.recvQ[row]!,
    sendQ: table.sendQ[row]!,
    local: addressText(table.local, row, family),
    localPort: table.localPort[row]!,
    remote: addressText(table.remote, row, family),
    remotePort: table.remotePort[row]!,
    device: table.words[table.device[row]!] || undefined,
    inode: numbered(table.inode[row]!, owner, table.state[row]!),
    uid: table.uid[row] === NOBODY ? undefined : table.uid[row],
    rtt: Number.isNaN(rtt) ? undefined : Math.round(rtt * 1000) / 1000,
    retrans: retransAt(table, row),
    congestion: table.words[table.congestion[row]!] || undefined,
    pid: first?.pid,
    program: first?.program,
    user: first?.user,
    pod: first?.pod ?? (place.kind === 'pod' && place.pods.length === 1 ? place.pods[0] : undefined),
    container: first?.container,
    holders,
    held: heldBy(owner, table.inode[row]!, STATES[table.state[row]!]!, holders),
    other: otherEnd(world, owner, row),
    evidence: [
      {
        node: owner.id,
        fact: 'sockets',
        netns: place.inode,
        sweep: owner.sweep,
        from: table.from[row]!,
        to: table.to[row]!,
      },
    ],
  };
}

function holdersIn(world: SocketWorld, owner: WorldNode, inode: number, place: number): SocketRow['holders'] {
  return pidsHolding(owner.owners, inode).map(pid => {
    const holder = owner.processes.get(pid);
    const elsewhere = holder?.place !== undefined && holder.place !== place;
    return {
      pid,
      program: holder?.program,
      user: holder?.user,
      pod: holder?.pod,
      container: holder?.container,
      netns: elsewhere ? world.places[holder.place!]!.inode : undefined,
    };
  });
}

function heldBy(owner: WorldNode, inode: number, state: string, holders: SocketRow['holders']): string {
  const [first] = holders;
  if (first) {
    const others = holders.length > 1 ? ` and ${holders.length - 1} more` : '';
    const foreign = first.netns ? `, which is in namespace ${first.netns} itself` : '';
    return `held by ${first.pid}/${first.program ?? '?'}${others}${foreign}`;
  }
  if (inode === 0 && owner.numberless)
    return 'not known: what was read shows neither its inode nor its process';
  if (inode === 0) {
    return state === 'TIME-WAIT'
      ? 'held by nobody: the connection is closed and waits in TIME-WAIT'
      : 'held by nobody: it has no inode (not accepted yet, or its process is gone)';
  }
  if (!owner.owners) return 'not known: descriptors of processes were not read on this node';
  return 'no process read holds it: the kernel’s own, a process that could not be read, or gone since';
}

function otherEnd(world: SocketWorld, owner: WorldNode, row: number): OtherEnd {
  const ends = owner.ends!;
  const join = JOINS[ends.join[row]!]!;
  const place = world.places[ends.place[row]!];
  const perhaps = (ends.hidden[ends.hideout[row]!] ?? []).map(index => world.nodes[index]!.name);
  const single =
    join.key === 'given' ||
    join.key === 'listed' ||
    join.key === 'ranged' ||
    (join.key === 'led' && perhaps.length === 1);
  const there = world.nodes[place?.node ?? -1];
  const stale = there?.asOf !== undefined;
  const base = {
    // What one end was at an earlier moment does not prove what the connection is now.
    grade:
      perhaps.length > 1
        ? ('unknown' as const)
        : stale && join.grade === 'proven'
          ? ('inferred' as const)
          : join.grade,
    join: join.key,
    why: stale ? staleWhy(there, join) : perhaps.length > 0 ? `${join.why}: ${perhaps.join(', ')}` : join.why,
    node: there ? there.name : single ? perhaps[0] : undefined,
    perhaps: join.key === 'given' || join.key === 'listed' ? [] : perhaps,
    asOf: there?.asOf,
    netns: place?.inode,
    pods: place?.pods ?? [],
    service: serviceOf(world, world.nodes.indexOf(owner), row),
    translations: translationsOf(world, ends, row),
    far: farEnd(world, ends, row),
    pod:
      join.key === 'listed'
        ? world.listed.get(addressText(owner.table!.remote, row, owner.table!.family[row]!))
        : place?.kind === 'pod' && place.pods.length === 1
          ? place.pods[0]
          : undefined,
  };
  const otherNode = world.nodes[ends.node[row]!];
  if (!otherNode) return base;
  const table = otherNode.table!;
  const at = ends.row[row]!;
  const [pid] = pidsHolding(otherNode.owners, table.inode[at]!);
  const holder = pid === undefined ? undefined : otherNode.processes.get(pid);
  const rtt = table.rtt[at]!;
  return {
    ...base,
    pid,
    program: holder?.program,
    pod: holder?.pod ?? base.pod,
    container: holder?.container,
    local: addressText(table.local, at, table.family[at]!),
    localPort: table.localPort[at]!,
    remote: addressText(table.remote, at, table.family[at]!),
    remotePort: table.remotePort[at]!,
    state: STATES[table.state[at]!] ?? 'UNKNOWN',
    recvQ: table.recvQ[at]!,
    sendQ: table.sendQ[at]!,
    rtt: Number.isNaN(rtt) ? undefined : Math.round(rtt * 1000) / 1000,
    retrans: retransAt(table, at),
  };
}

/** Why, where the other end's node is not reached now. */
function staleWhy({name, asOf}: WorldNode, {key, why}: (typeof JOINS)[number]): string {
  const read = `${name} was last read at ${timeOfDay(asOf!)} and is not reached now`;
  return key === 'unread'
    ? `the remote address is known, but ${read}: an end that is newer was not seen`
    : `${why}; the other end is as of its last reading: ${read}`;
}
