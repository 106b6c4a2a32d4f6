import type {TcpInfo} from '../facts/sockets/tcp-info.ts';
import type {SocketRow} from './socket-rows.ts';

/** Who holds a connection up. `this` is the end that was asked about. */
export type Stall = {
  readonly who: 'nobody' | 'this' | 'other' | 'between' | 'unknown';
  readonly sentence: string;
};

/** One end as far as it tells: its socket, and what `ss -i` says of it. */
export type Side = {readonly socket: SocketRow; readonly tcp: TcpInfo | undefined};

/**
 * What the queues of both ends say together. Bytes in a receive queue wait for the process there; bytes in a send
 * queue wait for the other end's kernel to acknowledge them (`ss(8)`, Recv-Q and Send-Q of connected sockets). A full
 * receive queue and the other side's send queue are one stall, and its cause is the reader. Where nothing is in flight
 * and the persist timer runs, the other end has closed its window: its process does not read (RFC 9293, 3.8.6.1).
 */
export function stallOf(here: Side, there: Side | undefined): Stall {
  const mine = here.socket;
  if (mine.state === 'SYN-SENT') {
    return {who: 'other', sentence: `${nameOf(mine)} calls and has no answer: ${mine.other.why}.`};
  }
  const sides = there ? [here, there] : [here];
  const reader = sides.find(({socket}) => socket.recvQ > 0);
  if (reader) {
    const sender = reader === here ? there : here;
    const waiting =
      sender && sender.socket.sendQ > 0
        ? `, and ${bytes(sender.socket.sendQ)} wait to be sent to it${isShut(sender) ? ': its window is closed' : ''}`
        : '';
    return {
      who: reader === here ? 'this' : 'other',
      sentence: `${nameOf(reader.socket)} has not read ${bytes(reader.socket.recvQ)} that arrived${waiting}.`,
    };
  }
  const sender = sides.find(({socket}) => socket.sendQ > 0);
  if (sender) return stalledSender(sender, sender === here, there !== undefined);
  const lossy = sides.filter(({socket}) => (socket.retrans ?? 0) > 0);
  const seen = there ? 'at either end' : 'at this end; the other end was not seen';
  const lost = Math.max(0, ...lossy.map(({socket}) => socket.retrans ?? 0));
  const oneWay =
    there && lossy.length === 1 ? `, all by ${nameOf(lossy[0]!.socket)}: packets were lost one way` : '';
  return {
    who: 'nobody',
    sentence: `Nothing waits ${seen}${lost > 0 ? `; ${lost} retransmissions so far${oneWay}` : ''}.`,
  };
}

function stalledSender({socket, tcp}: Side, isThis: boolean, otherSeen: boolean): Stall {
  const [name, waiting] = [nameOf(socket), bytes(socket.sendQ)];
  if (isShut({socket, tcp})) {
    const probes = tcp?.backoff ? `, probed ${tcp.backoff} times` : '';
    const reader = otherSeen
      ? 'though nothing of it is unread there now: it has just read, or reads in small pieces'
      : 'its process does not read';
    return {
      who: isThis ? 'other' : 'this',
      sentence: `${waiting} of ${name} wait: the other end’s window is closed (zero window${probes}), ${reader}.`,
    };
  }
  const again = Math.max(tcp?.retransmitting ?? 0, tcp?.lost ?? 0);
  if (again > 0 || (tcp?.timer === 'on' && (tcp.backoff ?? 0) > 0)) {
    const doubled = tcp?.backoff
      ? `, the timer doubled ${tcp.backoff} times to ${Math.round(tcp.rto ?? 0)} ms`
      : '';
    const way = isThis ? 'from this end to the other' : 'from the other end to this';
    return {
      who: 'between',
      sentence: `${waiting} of ${name} are not acknowledged and are being sent again${doubled}: packets ${way}, or their acknowledgements, are lost.`,
    };
  }
  if (!otherSeen) {
    return {
      who: 'unknown',
      sentence: `${waiting} of ${name} are not acknowledged; the other end was not seen, so either it or the way there holds them.`,
    };
  }
  const before = (socket.retrans ?? 0) > 0 ? `, after ${socket.retrans} retransmissions` : '';
  const full =
    tcp?.unacked !== undefined && tcp.cwnd !== undefined && tcp.unacked >= tcp.cwnd
      ? ` (its congestion window of ${tcp.cwnd} segments is full)`
      : '';
  return {
    who: 'between',
    sentence: `${waiting} of ${name} are not acknowledged${before}, while the other end has nothing unread: they are on the way${full}.`,
  };
}

/** Nothing in flight though much waits, and the window is probed. */
function isShut({tcp}: Side): boolean {
  return tcp !== undefined && (tcp.timer === 'persist' || tcp.sendWindow === 0);
}

function nameOf(end: SocketRow): string {
  const program = end.program ?? (end.pid === undefined ? 'the process' : String(end.pid));
  return `${program} ${end.pod === undefined ? `on ${end.node}` : `in ${end.pod}`}`;
}

function bytes(count: number): string {
  return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
}
