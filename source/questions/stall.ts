import type {SocketRow} from './socket-rows.ts';

/** Who holds a connection up. `this` is the end that was asked about. */
export type Stall = {
  readonly who: 'nobody' | 'this' | 'other' | 'between' | 'unknown';
  readonly sentence: string;
};

/**
 * What the queues of both ends say together. Bytes in a receive queue wait for the process there; bytes in a send
 * queue wait for the other end's kernel to acknowledge them (`ss(8)`, Recv-Q and Send-Q of connected sockets). A full
 * receive queue and the other side's send queue are one stall, and its cause is the reader.
 */
export function stallOf(here: SocketRow, there: SocketRow | undefined): Stall {
  if (here.state === 'SYN-SENT') {
    return {who: 'other', sentence: `${nameOf(here)} calls and has no answer: ${here.other.why}.`};
  }
  const slowReader = [here, there].find(end => end && end.recvQ > 0);
  if (slowReader) {
    const sender = slowReader === here ? there : here;
    const waiting = sender && sender.sendQ > 0 ? `, and ${bytes(sender.sendQ)} wait to be sent to it` : '';
    return {
      who: slowReader === here ? 'this' : 'other',
      sentence: `${nameOf(slowReader)} has not read ${bytes(slowReader.recvQ)} that arrived${waiting}.`,
    };
  }
  const sender = [here, there].find(end => end && end.sendQ > 0);
  if (sender && !there) {
    return {
      who: 'unknown',
      sentence: `${bytes(sender.sendQ)} of ${nameOf(sender)} are not acknowledged; the other end was not seen, so either it or the way there holds them.`,
    };
  }
  if (sender) {
    const again = sender.retrans > 0 ? `, after ${sender.retrans} retransmissions` : '';
    return {
      who: 'between',
      sentence: `${bytes(sender.sendQ)} of ${nameOf(sender)} are not acknowledged${again}, while the other end has nothing unread: they are on the way.`,
    };
  }
  const seen = there ? 'at either end' : 'at this end; the other end was not seen';
  const lost = Math.max(here.retrans, there?.retrans ?? 0);
  return {
    who: 'nobody',
    sentence: `Nothing waits ${seen}${lost > 0 ? `; ${lost} retransmissions so far` : ''}.`,
  };
}

function nameOf(end: SocketRow): string {
  const program = end.program ?? (end.pid === undefined ? 'the process' : String(end.pid));
  return `${program} ${end.pod === undefined ? `on ${end.node}` : `in ${end.pod}`}`;
}

function bytes(count: number): string {
  return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
}
