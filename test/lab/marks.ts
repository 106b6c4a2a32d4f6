/** How a packet that was sent is known again wherever it is seen: UDP by its payload, TCP by its sequence number. */
import {randomBytes, randomInt} from 'node:crypto';
import type {Packet} from './captured.ts';
import type {Place} from './places.ts';

/** A packet to send: one datagram, or one SYN (nobody holds the connection, so none comes to be). */
export type Wanted = {
  readonly from: Place;
  /** An address: of a pod, a node, a service, somebody outside. */
  readonly to: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
};

/** What the packets of one round have in common. */
export type Marks = {readonly payload: string; readonly seq: number};

export const newMarks = (): Marks => ({
  payload: `hoptop-${randomBytes(6).toString('hex')}-`,
  seq: randomInt(2 ** 32),
});

/** Two apart, since an answer acknowledges the next number. */
const seqOf = ({seq}: Marks, index: number) => (seq + 2 * index) % 2 ** 32;

/** Ports above those that the kernel gives to others by itself (ip_local_port_range ends at 60999). */
const SOURCE_PORTS = {first: 61_000, count: 4_000};

/** The line of standard input by which send.pl sends it. */
export const lineOf = (marks: Marks, {protocol, to, port}: Wanted, index: number) =>
  protocol === 'udp'
    ? `udp ${to} ${port} ${marks.payload}${index};`
    : `tcp ${to} ${port} ${seqOf(marks, index)} ${SOURCE_PORTS.first + (index % SOURCE_PORTS.count)}`;

const SYN = 2;
const RST = 4;
const ACK = 16;

/** Which of the wanted packets, or the answer to it, a captured one is. */
export const recognise = (
  marks: Marks,
  packet: Packet,
  count: number,
): {index: number; answer?: string} | undefined => {
  const bySeq = (seq: number) => {
    const index = ((seq - marks.seq + 2 ** 32) % 2 ** 32) / 2;
    return Number.isInteger(index) && index < count ? index : undefined;
  };
  let index: number | undefined;
  let answer = packet.error && `icmp ${packet.error}`;
  if (packet.payload !== undefined) {
    const at = packet.payload.indexOf(marks.payload);
    if (at === -1) return;
    index = Number.parseInt(packet.payload.slice(at + marks.payload.length), 10);
    // What traffic.pl serves comes back behind `re: `.
    if (at > 0) answer ??= 'echo';
  } else if (packet.tcp) {
    const {flags, seq, ack} = packet.tcp;
    if (packet.error || (flags & (SYN | ACK)) === SYN) index = bySeq(seq);
    else if (flags & ACK) {
      index = bySeq((ack - 1 + 2 ** 32) % 2 ** 32);
      answer = flags & RST ? 'rst' : 'syn-ack';
    }
  }
  return index === undefined ? undefined : {index, ...(answer && {answer})};
};
