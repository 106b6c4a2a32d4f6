import type {Reader} from '../../wire/source.ts';
import {type Draft, grow} from '../sockets/columns.ts';
import {NO_RETRANS, NO_UID, STATES} from '../sockets/table.ts';

export const PROC_SOCKETS: Reader = {
  name: 'proc-sockets@1',
  fact: 'sockets',
  scope: 'each-netns',
  // Where there is no IPv6 there are no such files.
  command: [
    'hop_f=; for hop_d in tcp tcp6 udp udp6; do [ ! -e "$hop_net/$hop_d" ] || hop_f="$hop_f $hop_net/$hop_d"; done',
    '[ -n "$hop_f" ] && cat $hop_f',
  ].join('; '),
  tool: 'cat',
  proc: true,
  quiet: true,
  why: 'Where `ss` is missing: TCP and UDP sockets with their queues and inodes',
  limit: 256 * 1024 * 1024,
  timeout: 20,
};

/** States by the kernel's number (`proc(5)`; net/tcp_states.h), as ss names them; 12 is a request not yet accepted. */
const STATE = [
  'UNKNOWN',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'SYN-RECV',
].map(state => STATES.indexOf(state as (typeof STATES)[number]));

const LINE =
  /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) ([0-9A-F]{8}):([0-9A-F]{8}) \S+ \S+\s+(\d+)\s+\d+ (\d+)(?:\s|$)/;
/** TCP's table and UDP's look the same but for the end of their headings. */
const HEADING = /^\s*sl\s+local_address\s/;
const UDP = /\sref pointer drops\s*$/;

/**
 * Appends the sockets of `/proc/PID/net/{tcp,tcp6,udp,udp6}` to the draft. Samples (Linux 6.18): address and port in
 * hexadecimal, an address as words in the machine's own byte order (`big`: most significant first); state, send and
 * receive queue, timer, retransmissions not yet answered, user, timeout, inode (`proc(5)`).
 * ```
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *    0: 0100007F:403B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12814184 1 00000000116d2a34 100 0 0 10 0
 * ```
 * Answers with a sentence when some of it was not understood.
 */
export function scanProcSockets(
  bytes: Buffer,
  draft: Draft,
  netnsIndex: number,
  big: boolean,
): string | undefined {
  let protocol: 0 | 1 | undefined;
  let strange = 0;
  let firstStrange = '';
  for (let from = 0, stop = 0; from < bytes.length; from = stop + 1) {
    stop = bytes.indexOf(0x0a, from);
    if (stop < 0) stop = bytes.length;
    const line = bytes.toString('latin1', from, stop);
    if (HEADING.test(line)) {
      protocol = UDP.test(line) ? 1 : 0;
      continue;
    }
    if (line === '') continue;
    const cells = protocol === undefined ? null : LINE.exec(line);
    if (!cells) {
      if (strange++ === 0) firstStrange = line.slice(0, 120);
      continue;
    }
    const [, local, localPort, remote, remotePort, state, sendQ, recvQ, uid, inode] =
      cells as unknown as string[];
    if (draft.columns.count === draft.columns.capacity) grow(draft);
    const {columns} = draft;
    const row = columns.count++;
    words(local!, columns.local, row * 4, big);
    words(remote!, columns.remote, row * 4, big);
    columns.family[row] = local!.length === 8 ? 4 : 6;
    columns.protocol[row] = protocol!;
    columns.localPort[row] = Number.parseInt(localPort!, 16);
    columns.remotePort[row] = Number.parseInt(remotePort!, 16);
    columns.state[row] = STATE[Number.parseInt(state!, 16)] ?? 0;
    columns.sendQ[row] = Number.parseInt(sendQ!, 16);
    columns.recvQ[row] = Number.parseInt(recvQ!, 16);
    columns.inode[row] = Number(inode);
    // What has no inode belongs to nobody any more; the kernel prints user 0 then.
    columns.uid[row] = inode === '0' && uid === '0' ? NO_UID : Number(uid);
    columns.rtt[row] = Number.NaN;
    columns.retrans[row] = NO_RETRANS;
    columns.netnsIndex[row] = netnsIndex;
    columns.from[row] = from;
    columns.to[row] = stop;
  }
  if (strange === 0) return undefined;
  const what = strange === 1 ? 'line was' : 'lines were';
  return `${strange} ${what} not understood, the first: ${firstStrange.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd')}`;
}

function words(hex: string, into: Uint32Array, at: number, big: boolean): void {
  if (hex.length === 8) {
    const word = wordAt(hex, 0, big);
    if (word === 0) return;
    into[at + 2] = 0xffff;
    into[at + 3] = word;
    return;
  }
  for (let i = 0; i < 4; i++) into[at + i] = wordAt(hex, i * 8, big);
  // ::ffff:0.0.0.0 is a wildcard too.
  if (into[at] === 0 && into[at + 1] === 0 && into[at + 2] === 0xffff && into[at + 3] === 0) into[at + 2] = 0;
}

function wordAt(hex: string, from: number, big: boolean): number {
  const value = Number.parseInt(hex.slice(from, from + 8), 16);
  if (big) return value >>> 0;
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
