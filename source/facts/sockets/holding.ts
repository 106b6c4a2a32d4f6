import type {Parsed} from '../evidence.ts';
import type {Format} from '../fact.ts';
import type {Process} from '../processes.ts';
import {readPiece, SOCKET_FORMATS, tellsHolders} from './pasted.ts';

/** `netstat -p` and `ss -p` also tell of processes: where `ps` was not pasted, that is all there is. */
export const HOLDER_FORMATS: readonly Format[] = SOCKET_FORMATS.map(format => ({
  ...format,
  looks: sample => format.looks(sample) && tellsHolders(sample),
}));

/** The processes that hold the sockets of an output in `format`, each once, with the line that first tells of it. */
export function holdersIn(format: string, out: Uint8Array): Parsed<Process> {
  const {table, holders} = readPiece({format, out, from: 0});
  const byPid = new Map<number, Process>();
  for (const {row, pid, program} of holders) {
    if (byPid.has(pid)) continue;
    const [from, to] = [table.from[row]!, table.to[row]!];
    byPid.set(pid, {
      from,
      to,
      pid,
      ppid: 0,
      user: '?',
      start: '?',
      state: '?',
      name: program.slice(0, 15),
      command: program,
    });
  }
  return {rows: [...byPid.values()], problems: []};
}
