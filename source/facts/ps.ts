import type {Parsed} from './evidence.ts';
import type {Format} from './fact.ts';
import {linesOf, note, quoted} from './lines.ts';
import type {Process} from './processes.ts';
import {maskArguments, maskSentence} from './secrets.ts';

/** Shapes of `ps`'s columns (`ps(1)`, STANDARD FORMAT SPECIFIERS); the last one, the command, takes the rest. */
const LSTART = '[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\d{4}';
const SHAPES: Readonly<Record<string, string>> = {
  PID: '\\d+',
  PPID: '\\d+',
  // A time today, a month and a day, a weekday and a day, or all of it (`lstart`).
  STARTED: `${LSTART}|\\S+`,
  START: '[A-Z][a-z]{2} \\d\\d|\\S+',
  STIME: '[A-Z][a-z]{2} \\d\\d|\\S+',
};
const COMMAND = /^(CMD|COMMAND|ARGS)$/;
const USER = /^(USER|UID|EUSER|RUSER)$/;

/** What `ps -ef` and `ps aux` print, for text whose heading was cut off (`ps -ef | grep NAME`). */
const EF = 'UID PID PPID C STIME TTY TIME CMD';
const AUX = 'USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND';

/**
 * Processes of `ps` with any columns among which are the process id and the command. Samples (procps-ng 3.3 and 4.0):
 * ```
 * UID          PID    PPID  C STIME TTY          TIME CMD
 * root        2029    1386  0 Feb09 ?        02:05:56 cilium-agent --config-dir=/tmp/cilium/config-map
 *     PID    PPID USER                      STARTED COMMAND
 *     424       1 root     Mon Nov 23 05:14:24 2026 /usr/bin/kubelet --config=/srv/lab/kube/kubelet-atlas.yaml
 * ```
 * `start` is what was printed, mostly too coarse to tell a reused pid; what is not printed is `?`, and a parent 0.
 */
export function parsePs(out: Uint8Array): Parsed<Process> {
  const rows: Process[] = [];
  const problems: string[] = [];
  let row: Row | undefined;
  for (const {from, to, text} of linesOf(out)) {
    const heading = headingOf(text);
    if (heading) {
      row = heading;
      continue;
    }
    if (row === undefined) row = [EF, AUX].map(rowOf).find(one => one.pattern.test(text));
    const cells = row?.pattern.exec(text);
    if (!row || !cells) {
      note(problems, () => `a line that is no process: ${quoted(text)}.`);
      continue;
    }
    const cell = (is: RegExp) => {
      const at = row!.columns.findIndex(column => is.test(column));
      return at < 0 ? undefined : cells[at + 1];
    };
    const command = cells.at(-1)!;
    rows.push({
      from,
      to,
      pid: Number(cell(/^PID$/)),
      ppid: Number(cell(/^PPID$/) ?? 0),
      user: cell(USER) ?? '?',
      start: cell(/^(STARTED|START|STIME)$/) ?? '?',
      state: cell(/^(STAT|S)$/) ?? '?',
      name: nameOf(command),
      command,
    });
  }
  return {rows, problems};
}

type Row = {readonly columns: readonly string[]; readonly pattern: RegExp};

/** More than `ps -o` has names for: no heading, and no regular expression. */
const MOST_COLUMNS = 60;

function headingOf(line: string): Row | undefined {
  const words = line.trim().split(/\s+/);
  if (words.length > MOST_COLUMNS) return undefined;
  // `lsns` and `lsof` have such columns, too.
  const others = ['NS', 'NPROCS', 'FD', 'NODE'].some(column => words.includes(column));
  return words.includes('PID') && !others && COMMAND.test(words.at(-1)!) ? rowOf(words.join(' ')) : undefined;
}

function rowOf(heading: string): Row {
  const columns = heading.split(' ');
  const cells = columns.map((column, i) =>
    i === columns.length - 1 ? '(.+)' : `(${Object.hasOwn(SHAPES, column) ? SHAPES[column] : '\\S+'})`,
  );
  return {columns, pattern: new RegExp(`^\\s*${cells.join('\\s+')}$`)};
}

/** `[kworker/0:1]` is a kernel thread's name; otherwise the file name of the first word, without a login shell's dash. */
function nameOf(command: string): string {
  const thread = /^\[([^\]]+)\]/.exec(command)?.[1];
  if (thread !== undefined) return thread;
  return (command.split(' ')[0] ?? '').split('/').at(-1)!.replace(/^-|:$/g, '').slice(0, 15);
}

/** Takes secrets out of the command lines. */
function redact(out: Uint8Array): Uint8Array {
  const lines = Buffer.from(out)
    .toString('latin1')
    .split('\n')
    .map(line => {
      // Nobody knows where the command begins: the program is the first word that is no number, time or user.
      const words = maskSentence(line).split(' ');
      const program = words.findIndex(
        word => /^[/\w.-]*[A-Za-z_][\w./-]*$/.test(word) && /[/-]|[a-z]{3}/.test(word),
      );
      const [head, command] = [words.slice(0, Math.max(0, program)), words.slice(Math.max(0, program))];
      return [...head, ...maskArguments(command)].join(' ');
    });
  return new Uint8Array(Buffer.from(lines.join('\n'), 'latin1'));
}

export const PS: Format = {
  name: 'ps@1',
  label: 'ps -ef',
  looks({lines}) {
    const [first = ''] = lines;
    return headingOf(first) !== undefined || [EF, AUX].some(heading => STRICT[heading]!.test(first));
  },
  redact,
};

/** Without a heading only what can be nothing else: a user, ids, a time that was used. */
const STRICT: Readonly<Record<string, RegExp>> = {
  [EF]: /^\s*[\w+-]+\s+\d+\s+\d+\s+\d+\s+\S+\s+\S+\s+(?:\d+-)?\d+:\d\d:\d\d\s+\S/,
  [AUX]: /^\s*[\w+-]+\s+\d+\s+\d+\.\d\s+\d+\.\d\s+\d+\s+\d+\s+\S+\s+[A-Z]\S*\s+\S+\s+\d+:\d\d\s+\S/,
};
