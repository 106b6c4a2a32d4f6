/** What a node really executed and wrote: its sshd under strace(1), and what came of each login that hoptop made. */
import {readFileSync} from 'node:fs';
import {onNode, statusOf} from './harness.ts';

export type Executed = {readonly pid: number; readonly argv: readonly string[]};

export type Trace = {
  /** Logins whose command was hoptop's. */
  readonly sessions: number;
  /** Everything that was executed from there on, by the login's shell and all below it. */
  readonly executed: readonly Executed[];
  /** What of it changes a file system: opened for writing, made, renamed, removed. */
  readonly writes: readonly string[];
  /** Processes of it that have not ended. */
  readonly left: readonly number[];
};

const OUT = '/tmp/sshd.strace';
const CHANGES = [
  ...[
    'creat',
    'mkdir',
    'mkdirat',
    'mknod',
    'mknodat',
    'rename',
    'renameat',
    'renameat2',
    'link',
    'linkat',
    'symlink',
  ],
  ...[
    'symlinkat',
    'unlink',
    'unlinkat',
    'rmdir',
    'truncate',
    'chmod',
    'fchmodat',
    'chown',
    'fchownat',
    'lchown',
  ],
  ...['setxattr', 'removexattr', 'mount', 'umount2', 'utimensat', 'swapon', 'init_module', 'finit_module'],
];
const CALLS = [
  'execve',
  'execveat',
  'clone',
  'clone3',
  'fork',
  'vfork',
  'open',
  'openat',
  'openat2',
  ...CHANGES,
];

/** Puts another sshd in the place of a node's, under strace: only these calls stop it, so that it is hardly slower. */
export function traceSshd(lab: string, node: string): void {
  onNode(
    lab,
    node,
    `kill $(cat /run/sshd.pid); while ss -Hltn 'sport = 22' | grep -q .; do sleep 0.1; done
     setsid strace -f --seccomp-bpf -s 100000 -o ${OUT} -e trace=${CALLS.map(call => `?${call}`).join(',')} /usr/sbin/sshd -D </dev/null >/dev/null 2>/tmp/strace.err &
     for i in $(seq 100); do ss -Hltn 'sport = 22' | grep -q . && exit 0; sleep 0.1; done; cat /tmp/strace.err >&2; exit 1`,
  );
}

export function traceOf(lab: string, node: string, boot: string): Trace {
  const {pid} = statusOf(lab).nodes.find(each => each.name === node)!;
  return readTrace(readFileSync(`/proc/${pid}/root${OUT}`, 'latin1'), boot);
}

/** Strings as strace writes them: C's escapes, octal for other bytes. */
const plain = (text: string) =>
  text.replace(/\\(?:([0-7]{1,3})|x([0-9a-f]{2})|(.))/g, (_, octal?: string, hex?: string, one?: string) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return {n: '\n', t: '\t', r: '\r', v: '\v', f: '\f'}[one!] ?? one!;
  });

type Call = {readonly pid: number; readonly name: string; readonly text: string; readonly result: number};

/** Calls in the order in which they began; those that strace tells in two halves are joined. */
function* callsOf(text: string): Generator<Call | {readonly pid: number; readonly ended: true}> {
  const halves = new Map<number, string>();
  for (const line of text.split('\n')) {
    const match = /^(\d+) +(.*)$/.exec(line);
    if (!match) continue;
    const pid = Number(match[1]);
    let rest = match[2]!;
    if (/^\+\+\+ (exited|killed)/.test(rest)) {
      yield {pid, ended: true};
      continue;
    }
    const cut = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (cut) {
      halves.set(pid, cut[1]!);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (resumed) {
      rest = `${halves.get(pid) ?? ''}${resumed[1]}`;
      halves.delete(pid);
    }
    const call = /^(\w+)\((.*)\) += (-?\d+|\?)/.exec(rest);
    if (call) yield {pid, name: call[1]!, text: call[2]!, result: Number(call[3])};
  }
}

/** `boot` is the command that hoptop logs in with. */
export function readTrace(text: string, boot: string): Trace {
  const parents = new Map<number, number>();
  const calls: Call[] = [];
  const ended = new Set<number>();
  for (const call of callsOf(text)) {
    if ('ended' in call) ended.add(call.pid);
    else if (/^(clone3?|v?fork)$/.test(call.name)) {
      if (call.result > 0 && !/CLONE_THREAD/.test(call.text)) parents.set(call.result, call.pid);
    } else calls.push(call);
  }
  const argvOf = ({text: all}: Call) => {
    const from = all.indexOf('[');
    return [...all.slice(from).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) => plain(word!));
  };
  const roots = new Map<number, number>();
  calls.forEach((call, at) => {
    if (
      /^execve/.test(call.name) &&
      call.result === 0 &&
      argvOf(call).at(-1) === boot &&
      !roots.has(call.pid)
    )
      roots.set(call.pid, at);
  });
  const rootOf = (pid: number | undefined): number | undefined => {
    for (let each = pid; each !== undefined; each = parents.get(each)) if (roots.has(each)) return each;
    return undefined;
  };
  const executed: Executed[] = [];
  const writes: string[] = [];
  const pids = new Set<number>();
  calls.forEach((call, at) => {
    const root = rootOf(call.pid);
    if (root === undefined || (call.pid === root && at < roots.get(root)!)) return;
    pids.add(call.pid);
    if (call.result < 0 || Number.isNaN(call.result)) return;
    if (/^execve/.test(call.name)) executed.push({pid: call.pid, argv: argvOf(call)});
    else if (/^open/.test(call.name)) {
      const path = /"((?:[^"\\]|\\.)*)"/.exec(call.text)?.[1];
      if (/O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)/.test(call.text) && path !== '/dev/null')
        writes.push(`${call.name}(${call.text})`);
    } else writes.push(`${call.name}(${call.text})`);
  });
  for (const [child] of parents) if (rootOf(child) !== undefined) pids.add(child);
  return {sessions: roots.size, executed, writes, left: [...pids].filter(pid => !ended.has(pid))};
}
