import {quoted} from '../lines.ts';
import {createDraft, finish} from './columns.ts';
import type {Holder, Said} from './pasted.ts';
import {scanSs} from './ss.ts';

const LF = 10;
const HEADING = /^(Netid\s+)?State\s+Recv-Q\s/;
const STATE_ROW = /^[A-Z][A-Z0-9-]+ +\d+ +\d+ /;
const USERS = /\("((?:[^"\\]|\\.)*)",pid=(\d+),fd=(\d+)\)/g;

/**
 * `ss` as people call it: with a heading, with `-p`, and, where only one protocol was asked for (`stateFirst`), without
 * the first column. Without `-u` among the words that is TCP: UDP's sockets are UNCONN or ESTAB only.
 * ```
 * State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
 * LISTEN 0      128        127.0.0.1:9879      0.0.0.0:*     users:(("cilium-agent",pid=2029,fd=31))
 * ```
 */
export function scanPasted(out: Uint8Array, stateFirst: boolean): Omit<Said, 'piece'> {
  const {bytes, shifts} = prepared(Buffer.from(out), stateFirst);
  const draft = createDraft(64);
  draft.netns.push('');
  const misread = scanSs(bytes, draft, 0);
  const {columns} = draft;
  const back = (offset: number) => offset - 4 * countBelow(shifts, offset);
  const holders: Holder[] = [];
  for (let row = 0; row < columns.count; row += 1) {
    const line = bytes.toString('utf8', columns.from[row]!, columns.to[row]!);
    for (const [, program, pid, fd] of line.matchAll(USERS))
      holders.push({row, pid: Number(pid), fd: Number(fd), program: program!});
    columns.from[row] = back(columns.from[row]!);
    columns.to[row] = back(columns.to[row]!);
  }
  const problems =
    misread.lines === 0
      ? []
      : [
          `${misread.lines} ${misread.lines === 1 ? 'line was' : 'lines were'} not understood, the first: ${quoted(bytes.toString('utf8', misread.from, misread.to).trimEnd())}`,
        ];
  return {table: finish(draft), holders, problems};
}

/** Without headings, and with the first column. `shifts`: where four bytes were put in, in the new text. */
function prepared(out: Buffer, stateFirst: boolean): {bytes: Buffer; shifts: number[]} {
  const isUdp = stateFirst && /^(UNCONN) +\d+ +\d+ /m.test(out.toString('latin1'));
  const parts: Buffer[] = [];
  const shifts: number[] = [];
  let size = 0;
  for (let from = 0; from < out.length; ) {
    const end = out.indexOf(LF, from);
    const to = end < 0 ? out.length : end;
    const line = out.subarray(from, to);
    const text = line.toString('latin1');
    if (HEADING.test(text)) parts.push(Buffer.alloc(line.length, LF));
    else if (stateFirst && STATE_ROW.test(text)) {
      parts.push(Buffer.from(isUdp ? 'udp ' : 'tcp '), line);
      shifts.push(size + 4);
      size += 4;
    } else parts.push(line);
    parts.push(Buffer.from('\n'));
    size += line.length + 1;
    from = to + 1;
  }
  return {bytes: Buffer.concat(parts), shifts};
}

/** How many of the rising numbers are at or below `limit`. */
function countBelow(rising: readonly number[], limit: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rising[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
