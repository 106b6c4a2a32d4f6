import type {Parsed} from '../evidence.ts';
import {linesOf, quoted} from '../lines.ts';
import type {Process} from '../processes.ts';

/**
 * Processes of a pasted `ps -eaf` or `ps -ef`. Sample (procps-ng 3.3):
 * ```
 * UID          PID    PPID  C STIME TTY          TIME CMD
 * root        2029    1386  0 Feb09 ?        02:05:56 cilium-agent --config-dir=/tmp/cilium/config-map
 * ```
 * `start` is STIME as printed (a time today, else a day), too coarse to tell a reused pid; `state` is not shown: `?`.
 */
export function parsePs(out: Uint8Array): Parsed<Process> {
  const rows: Process[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of linesOf(out)) {
    if (/^\s*UID\s+PID\s+PPID\s/.test(text)) continue;
    const match = /^\s*(\S+)\s+(\d+)\s+(\d+)\s+\d+\s+(\S+)\s+\S+\s+(?:\d+-)?\d+:\d\d:\d\d\s+(.+)$/.exec(text);
    if (!match) {
      problems.push(`a line that is no process: ${quoted(text)}.`);
      continue;
    }
    const [, user, pid, ppid, start, command] = match as unknown as [string, ...string[]] & {5: string};
    rows.push({
      from,
      to,
      pid: Number(pid),
      ppid: Number(ppid),
      user: user!,
      start: start!,
      state: '?',
      name: nameOf(command),
      command,
    });
  }
  return {rows, problems};
}

/** `[kworker/0:1]` is a kernel thread's name; otherwise the file name of the first word, without a login shell's dash. */
function nameOf(command: string): string {
  const thread = /^\[([^\]]+)\]/.exec(command)?.[1];
  if (thread !== undefined) return thread;
  return (command.split(' ')[0] ?? '').split('/').at(-1)!.replace(/^-|:$/g, '').slice(0, 15);
}
