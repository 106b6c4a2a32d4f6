/**
 * `netstat -antup`, for text that somebody has and for nodes without ss. Layout: net-tools 2.10 netstat.c
 * (`tcp_do_one`, `udp_do_one`, `finish_this_one`).
 *
 *     tcp6       0      0 :::4240                 :::*                    LISTEN      199614/nc
 *     udp        0      0 0.0.0.0:8472            0.0.0.0:*                           -
 */

import {clearRow, createDraft, finish, grow} from './columns.ts';
import {endpoint} from './endpoint.ts';
import {type SocketTable, STATES} from './table.ts';

export type NetstatTable = {
  /** Without inode, uid (`NO_UID`), rtt and the rest that netstat does not say. One namespace, called ''. */
  readonly table: SocketTable;
  /** By row; 0 where netstat shows `-`: not root, or the kernel's own. */
  readonly pid: Uint32Array;
  /** By row: index into `programs`. netstat cuts names at 20 characters with the pid. */
  readonly program: Uint32Array;
  /** Entry 0 is the empty string. */
  readonly programs: readonly string[];
  readonly problems: readonly string[];
};

/** netstat's names for the kernel's states, as ss names them. CLOSE is what ss calls UNCONN. */
const STATE: Record<string, (typeof STATES)[number]> = {
  ESTABLISHED: 'ESTAB',
  SYN_SENT: 'SYN-SENT',
  SYN_RECV: 'SYN-RECV',
  FIN_WAIT1: 'FIN-WAIT-1',
  FIN_WAIT2: 'FIN-WAIT-2',
  TIME_WAIT: 'TIME-WAIT',
  CLOSE: 'UNCONN',
  CLOSE_WAIT: 'CLOSE-WAIT',
  LAST_ACK: 'LAST-ACK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSING',
};

const LINE = /^(tcp|udp)(6?) +(\d+) +(\d+) +(\S+) +(\S+)(?: +([A-Z][A-Z_0-9]*))?(?: +(?:(\d+)\/(.*?)|-))? *$/;
/** Without -W an IPv6 address is cut so that address and port take no more than 23 characters. */
const CUT = 23;

/** Never throws; what was not understood is said in `problems`. Meant for what a person pastes, not for a million. */
export function parseNetstat(out: Uint8Array): NetstatTable {
  const bytes = Buffer.from(out.buffer, out.byteOffset, out.byteLength);
  const draft = createDraft(64);
  draft.netns.push('');
  const pids: number[] = [];
  const names: number[] = [];
  const programs = [''];
  const unclear: string[] = [];
  const cut: string[] = [];
  for (let from = 0, stop = 0; from < bytes.length; from = stop + 1) {
    stop = bytes.indexOf(0x0a, from);
    if (stop < 0) stop = bytes.length;
    const line = bytes.toString('utf8', from, stop).trimEnd();
    if (line === '' || /^(\$ |Active |Proto |\(|will not be shown|unix )/.test(line)) continue;
    const fields = LINE.exec(line);
    if (!fields) {
      unclear.push(line);
      continue;
    }
    const [, protocol, six, recvQ, sendQ, local, remote, state, pid, program] = fields as string[];
    if (six && (local!.length === CUT || remote!.length === CUT)) {
      cut.push(line);
      continue;
    }
    if (draft.columns.count === draft.columns.capacity) grow(draft);
    const {columns} = draft;
    const row = columns.count;
    const ends = Buffer.from(`${local} ${remote}\n`, 'latin1');
    if (
      endpoint(ends, 0, draft, columns, row, true) < 0 ||
      endpoint(ends, local!.length + 1, draft, columns, row, false) < 0
    ) {
      clearRow(columns, row);
      unclear.push(line);
      continue;
    }
    columns.protocol[row] = protocol === 'udp' ? 1 : 0;
    if (six) columns.family[row] = 6;
    columns.v6only[row] = 0;
    columns.state[row] = STATES.indexOf(state ? (STATE[state] ?? 'UNKNOWN') : 'UNCONN');
    columns.recvQ[row] = Number(recvQ);
    columns.sendQ[row] = Number(sendQ);
    columns.uid[row] = 0xffff_ffff;
    columns.rtt[row] = Number.NaN;
    columns.from[row] = from;
    columns.to[row] = stop;
    columns.count++;
    pids.push(Number(pid ?? 0));
    names.push(indexIn(programs, program ?? ''));
  }
  const problems = [
    ...said(unclear, 'not understood'),
    ...said(cut, 'left out, for netstat may have cut an IPv6 address (netstat -W shows all of it)'),
  ];
  return {
    table: finish(draft),
    pid: Uint32Array.from(pids),
    program: Uint32Array.from(names),
    programs,
    problems,
  };
}

function indexIn(list: string[], text: string): number {
  const index = list.indexOf(text);
  return index >= 0 ? index : list.push(text) - 1;
}

function said(lines: readonly string[], what: string): string[] {
  if (lines.length === 0) return [];
  const first = lines[0]!.slice(0, 120).replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
  return [`${lines.length} ${lines.length === 1 ? 'line' : 'lines'} of netstat ${what}, the first: ${first}`];
}
