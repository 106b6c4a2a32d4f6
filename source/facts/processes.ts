import {dated, gapsOf, hiddenFrom} from './contribution.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {type Line, linesOf, note, quoted} from './lines.ts';
import {parsePieces} from './pieces.ts';
import {PS, parsePs} from './ps.ts';
import {maskArguments} from './secrets.ts';
import {HOLDER_FORMATS, holdersIn} from './sockets/holding.ts';

/** One process. Identity on a node is (pid, start). */
export type Process = Span & {
  readonly pid: number;
  readonly ppid: number;
  readonly user: string;
  /** Text that changes when the pid is reused; ISO 8601 where the node's clock is known, else `boot+SECONDS`. */
  readonly start: string;
  /** One letter and its modifiers, as `ps -o stat` prints them (`ps(1)`). */
  readonly state: string;
  /** The executable's short name (`comm`, up to 15 characters). */
  readonly name: string;
  /** The command line, arguments separated by one space; in brackets when it has none. */
  readonly command: string;
};

/** Clock ticks a second in /proc/PID/stat: USER_HZ, 100 on every architecture that Kubernetes runs on. */
const TICKS = 100;

type Stat = {line: Line; ppid: number; name: string; state: string; ticks: number};

/**
 * Samples (grep 3.8 in /proc, Linux 6.18): users, then per process its user id, the first 22 fields of `stat`
 * (`proc(5)`: pid, name, state, ppid, process group, session, tty, foreground group, …, nice, threads, …, start), and
 * its arguments, each ended by a NUL (here `␀`); an argument with line feeds goes on in the next line.
 * ```
 * root:0
 * 424/status:Uid:	0
 * 424/stat:424 (x-kubelet) S 1 424 424 0 -1 4194560 43204 0 0 0 241 180 0 0 20 0 13 0 5512
 * 424/cmdline:/usr/bin/kubelet␀--config=/etc/kubelet.yaml␀
 * ```
 * `bootTime` is in seconds since 1970. A row's range is its command line, or its `stat` line when it has none.
 */
export function parseProcesses(out: Uint8Array, bootTime?: number): Parsed<Process> {
  const problems: string[] = [];
  const users = new Map<string, string>();
  const uids = new Map<number, string>();
  const stats = new Map<number, Stat>();
  const heads = new Map<number, string>();
  const commands = new Map<number, Line>();
  for (const line of linesOf(out)) {
    const colon = line.text.indexOf(':');
    const key = line.text.slice(0, Math.max(0, colon));
    const rest = line.text.slice(colon + 1);
    const slash = key.indexOf('/');
    const pid = Number(key.slice(0, Math.max(0, slash)));
    const file = key.slice(slash + 1);
    if (slash > 0 && Number.isSafeInteger(pid) && pid > 0) {
      if (file === 'cmdline') {
        const begun = commands.get(pid);
        commands.set(
          pid,
          begun ? {from: begun.from, to: line.to, text: `${begun.text}\n${rest}`} : {...line, text: rest},
        );
        continue;
      }
      const uid = file === 'status' ? /^Uid:\s*(\d+)/.exec(rest)?.[1] : undefined;
      const begun = file === 'stat' ? /^\d+ \(([^)]*)$/.exec(rest)?.[1] : undefined;
      if (begun !== undefined) {
        heads.set(pid, begun);
        continue;
      }
      const stat = file === 'stat' ? statOf(line, rest, pid, heads.get(pid)) : undefined;
      if (uid !== undefined) uids.set(pid, uid);
      else if (stat) stats.set(pid, stat);
      else note(problems, () => `a line that is not understood: ${quoted(line.text)}.`);
    } else if (slash < 0 && colon > 0 && /^\d+$/.test(rest)) {
      if (!users.has(rest)) users.set(rest, key);
    } else note(problems, () => `a line that is not understood: ${quoted(line.text)}.`);
  }
  const rows: Process[] = [];
  for (const [pid, {line, ppid, name, state, ticks}] of stats) {
    const command = commands.get(pid);
    const text = (command?.text ?? '').replace(/\0+$/, '').replaceAll('\0', ' ');
    const uid = uids.get(pid);
    rows.push({
      from: command?.from ?? line.from,
      to: command?.to ?? line.to,
      pid,
      ppid,
      user: uid === undefined ? '?' : (users.get(uid) ?? uid),
      start: startOf(ticks, bootTime),
      state,
      name,
      command: text.trim() === '' ? `[${name}]${state.startsWith('Z') ? ' <defunct>' : ''}` : text,
    });
  }
  return {rows, problems};
}

/**
 * A name may hold a line feed: then this is the last line of it, and `head`, where it could be told from such a line,
 * is the first. Whatever a name looks like, the process is the one whose file it is.
 */
function statOf(line: Line, text: string, pid: number, head: string | undefined): Stat | undefined {
  const match = /^(.*)\) ([A-Za-z])((?: -?\d+){19})/.exec(text);
  if (!match) return undefined;
  const own = `${pid} (`;
  const whole = head === undefined && match[1]!.startsWith(own);
  const name = whole ? match[1]!.slice(own.length) : `${head ?? '…'}\n${match[1]!}`;
  const numbers = match[3]!.trim().split(' ').map(Number);
  const [ppid, group, session, , foreground] = numbers as [number, number, number, number, number];
  const [nice, threads, ticks] = [numbers[15]!, numbers[16]!, numbers[18]!];
  const state =
    match[2]! +
    (nice < 0 ? '<' : nice > 0 ? 'N' : '') +
    (session === pid ? 's' : '') +
    (threads > 1 ? 'l' : '') +
    (group === foreground ? '+' : '');
  return {line, ppid, name, state, ticks};
}

/** Counted from a boot time that is read once, so that it stays the same text at every sweep; `lstart` of ps does not. */
function startOf(ticks: number, bootTime: number | undefined): string {
  const date = bootTime === undefined ? undefined : new Date(bootTime * 1000 + (ticks * 1000) / TICKS);
  return date && Number.isFinite(date.getTime()) ? date.toISOString() : `boot+${(ticks / TICKS).toFixed(2)}`;
}

/** Takes secrets out of the command lines (`secrets.ts`); every other line stays as it is. */
function redact(out: Uint8Array): Uint8Array {
  const pieces: string[] = [];
  let pid: string | undefined;
  let held: string[] = [];
  const flush = () => {
    if (pid === undefined) return;
    const masked = maskArguments(held.join('\n').split('\0')).join('\0');
    for (const line of masked.split('\n')) pieces.push(`${pid}/cmdline:${line}\n`);
    held = [];
    pid = undefined;
  };
  // Latin-1 maps bytes to characters one to one, so bytes that are no text survive.
  for (const line of Buffer.from(out).toString('latin1').split('\n')) {
    const match = /^(?:\/proc\/)?(\d+)\/cmdline:([\s\S]*)$/.exec(line);
    if (match && match[1] === pid) held.push(match[2]!);
    else {
      flush();
      if (match) [pid, held] = [match[1], [match[2]!]];
      else if (/^\d+\/(stat|status):|^[^/:\0 ]+:\d+$|^$/.test(line))
        pieces.push(line === '' ? '' : `${line}\n`);
      else pieces.push('\n');
    }
  }
  flush();
  return new Uint8Array(Buffer.from(pieces.join(''), 'latin1'));
}

/** Of several outputs that show a process, the one that tells its parent and command line counts. */
function oneEach({rows, problems}: Parsed<Process>): Parsed<Process> {
  const byPid = new Map<number, Process>();
  for (const row of rows) {
    const known = byPid.get(row.pid);
    if (!known || (known.user === '?' && row.user !== '?')) byPid.set(row.pid, row);
  }
  return {rows: byPid.size === rows.length ? rows : [...byPid.values()], problems};
}

export const PROCESSES: Fact = {
  name: 'processes',
  reader: {
    name: 'proc-processes@1',
    fact: 'processes',
    scope: 'node',
    command: [
      'cd /proc',
      'cut -d: -f1,3 /etc/passwd',
      "grep -sHoE '^Uid:.[0-9]+' [0-9]*/status",
      "grep -asHoE '^.*\\) [A-Za-z]( -?[0-9]+){19}|^[0-9]+ \\([^)]*$' [0-9]*/stat",
      "grep -asH '' [0-9]*/cmdline",
    ].join('; '),
    why: "Every process's parent, user, start, state and command line.",
    limit: 32_000_000,
    timeout: 5,
  },
  cadence: {when: 'sweep'},
  formats: [PS, ...HOLDER_FORMATS],
  contribute(reply, soFar) {
    const {rows, problems} = oneEach(
      parsePieces(reply, out => parseProcesses(out, soFar.identity?.value.bootTime), {
        'ps@1': parsePs,
        ...Object.fromEntries(HOLDER_FORMATS.map(({name}) => [name, out => holdersIn(name, out)])),
      }),
    );
    const asker = {soFar, withoutRoot: hiddenFrom(soFar)};
    const gaps = gapsOf(reply, {name: 'grep', fine: [1, 2]}, problems, asker);
    if (rows.length === 0 && gaps.length > 0) return {gaps};
    return {node: {processes: dated(reply, rows)}, gaps};
  },
  redact,
};
