import {retransAt, STATES, UNNUMBERED} from '../facts/sockets.ts';
import {endpointText} from '../model/words.ts';
import {otherOpens, socketOpens} from '../questions/endpoint-words.ts';
import {type OtherEnd, type SocketList, type SocketRow, socketAt} from '../questions/socket-rows.ts';
import {gradeTone, mark, perhapsText, stateMark, stateTone} from './marks.ts';
import {type ColumnOf, figures, tableOf, words} from './table.ts';
import {ms} from './units.ts';
import type {Table, Tone} from './view.ts';

/** `255.255.255.255:65535`, and the longest state with its mark: neither is ever cut, nor the port from its address. */
const [ENDPOINT, STATE] = [21, 11];

/** What waits to be acknowledged; a listener's is the bound of its backlog (`ss(8)`), which waits for nobody. */
function unsent(socket: SocketRow): number {
  return socket.state === 'LISTEN' ? 0 : socket.sendQ;
}

/** A healthy state is not shown as such while bytes wait, nor after any was sent again. */
function socketTone(socket: SocketRow): Tone {
  if (socket.recvQ > 0 || unsent(socket) > 0) return 'warn';
  const tone = stateTone(socket.state);
  return tone === 'good' && (socket.retrans ?? 0) > 0 ? 'plain' : tone;
}

const waits = (bytes: number): Tone => (bytes > 0 ? 'warn' : 'dim');

/** Of equal priority the rightmost goes first: programs, then other ends, then queues; never a port or a state. */
const COLUMNS: readonly ColumnOf<SocketRow>[] = [
  words('protocol', 'Proto', 0, 4, socket => `${socket.protocol}${socket.family === 6 ? '6' : ''}`),
  figures('recvQ', 'Recv-Q', 1, 6, socket => socket.recvQ, {tone: socket => waits(socket.recvQ)}),
  figures('sendQ', 'Send-Q', 1, 6, socket => socket.sendQ, {tone: socket => waits(unsent(socket))}),
  words(
    'local',
    'Local Address',
    0,
    ENDPOINT,
    socket => `${endpointText(socket.local, socket.localPort)}${socket.device ? `%${socket.device}` : ''}`,
  ),
  words('remote', 'Foreign Address', 0, ENDPOINT, socket => endpointText(socket.remote, socket.remotePort)),
  words('state', 'State', 0, STATE, socket => stateMark(socket.state, socket.asOf), {
    tone: socket => (socket.asOf === undefined ? socketTone(socket) : 'dim'),
  }),
  words('other', 'Other End', 1, 10, socket => otherText(socket.other), {
    tone: socket => (socket.other.asOf === undefined ? gradeTone(socket.other.grade) : 'dim'),
    max: 48,
  }),
  words('program', 'PID/Program', 2, 10, holderText, {max: 28}),
  words('pod', 'Pod', 3, 8, socket => socket.pod, {max: 40}),
  words('container', 'Container', 8, 6, socket => socket.container, {max: 24}),
  words('node', 'Node', 4, 4, socket => socket.node, {max: 24}),
  figures('rtt', 'RTT', 5, 7, socket => socket.rtt, {show: ms}),
  figures('retrans', 'Retrans', 5, 7, socket => socket.retrans, {
    tone: socket => ((socket.retrans ?? 0) > 0 ? 'warn' : 'dim'),
  }),
  words('user', 'User', 9, 4, userText, {max: 16}),
  words('congestion', 'CC', 11, 4, socket => socket.congestion),
  words('netns', 'Netns', 10, 10, socket => socket.netns),
  figures('inode', 'Inode', 12, 5, socket => socket.inode),
];

/** All of netstat's columns, and who is at the other end. */
export function socketTable(sockets: SocketList, empty: string): Table {
  return tableOf({
    columns: COLUMNS,
    count: sockets.count,
    at: i => socketAt(sockets, i),
    row: socket => {
      const [opens, other] = [socketOpens(socket), otherOpens(socket)];
      return {
        id: idOf(socket),
        ...(opens ? {opens} : {}),
        ...(other ? {other} : {}),
        evidence: socket.evidence,
      };
    },
    sortKey: (i, column) => sortKey(sockets, i, column),
    empty,
  });
}

/** An inode names a socket for its whole life; what has none is named by its 4-tuple. */
function idOf(socket: SocketRow): string {
  if (socket.inode) return `${socket.node} ${socket.inode}`;
  return [
    socket.node,
    socket.netns,
    socket.protocol,
    socket.local,
    socket.localPort,
    socket.remote,
    socket.remotePort,
  ].join(' ');
}

/** Numbers and states straight from their columns; the rest from the row. */
function sortKey(sockets: SocketList, i: number, column: string): string | number | undefined {
  const table = sockets.world.nodes[sockets.node[i]!]!.table!;
  const row = sockets.row[i]!;
  switch (column) {
    case 'recvQ':
    case 'sendQ':
      return table[column][row];
    case 'retrans':
      return retransAt(table, row);
    case 'inode':
      return table.inode[row]! >= UNNUMBERED ? undefined : table.inode[row];
    case 'rtt':
      return Number.isNaN(table.rtt[row]) ? undefined : table.rtt[row];
    case 'state':
      return STATES[table.state[row]!];
    default:
      return COLUMNS.find(({key}) => key === column)?.sort?.(socketAt(sockets, i));
  }
}

/** By name throughout: that of its process, root's, else the number with a word that says so. */
export function userText({user, uid}: Pick<SocketRow, 'user' | 'uid'>): string {
  if (user !== undefined && user !== '0') return user;
  if (uid === 0 || user === '0') return 'root';
  return uid === undefined ? '' : `uid ${uid}`;
}

export function holderText(socket: Pick<SocketRow, 'holders'>): string {
  const [first] = socket.holders;
  if (!first) return '-';
  const more = socket.holders.length > 1 ? ` +${socket.holders.length - 1}` : '';
  const foreign = first.netns === undefined ? '' : ' (other netns)';
  return `${first.pid}/${first.program ?? '?'}${more}${foreign}`;
}

/** `shop/db-0 postgres`, with a mark for its grade, or what is known instead. */
export function otherText(other: OtherEnd): string {
  if (other.join === 'none') return '';
  const place =
    other.pod ?? (other.pods.length > 1 ? `${other.node} (${other.pods.length} pods)` : other.node);
  const name = [place, other.program].filter(part => part !== undefined).join(' ');
  switch (other.join) {
    case 'outside':
      return '? NAT or outside';
    case 'given':
    case 'listed':
      return `~ ${name} (not read)`;
    case 'led':
    case 'ranged':
    case 'perhaps':
      return `${mark(other.grade)} ${perhapsText(other.perhaps)}`;
    case 'ambiguous':
    case 'shared':
      return '≈ several fit';
    case 'half':
      return `? ${name} (no socket)`;
    case 'silent':
      return `? ${name} (nothing listens)`;
    case 'waiting':
      return `? ${name} (no answer yet)`;
    case 'unread':
      return `? ${name} (not read)`;
    case 'closed':
      return `~ ${name} (closed)`;
    case 'translated':
      return `~ ${name} (NAT)`;
    case 'tracked':
    case 'tracked-server':
      return [mark(other.grade), name, other.asOf ? '(NAT, stale)' : '(NAT)'].filter(Boolean).join(' ');
    case 'tracked-half':
      return `? ${name} (NAT, no socket)`;
    case 'tracked-silent':
      return `? ${name} (NAT, no answer)`;
    case 'tracked-closed':
      return `~ ${name} (NAT, closed)`;
    case 'tracked-unread':
      return `? ${name} (NAT, not read)`;
    case 'tracked-outside':
      return `~ outside: ${other.far}`;
    case 'beyond':
      return '~ outside';
    case 'unanswered':
      return `? ${name} (no answer)`;
    case 'not-yet':
      return '? NAT not read yet';
    case 'ebpf':
      return '? eBPF or outside';
    default:
      return [mark(other.grade), name, other.asOf && '(stale)'].filter(Boolean).join(' ');
  }
}
