import type {Reply} from '../wire/source.ts';
import {dated, gapsOf} from './contribution.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted} from './lines.ts';
import type {Counters} from './links.ts';
import {PASTED, piecesOf} from './pieces.ts';

/** Interface counters of one namespace from `/proc/PID/net/dev`, by interface name; read on every sweep. */
export type DevCounters = ReadonlyMap<string, Counters>;

/**
 * Sample (`grep -H : /proc/PID/net/dev`, Linux 6.18), where a wide number may touch the name:
 * `/proc/2928/net/dev:  eth0:    2978      37    0    0    0     0          0         0     2086      29    0 …`
 * Columns: bytes packets errs drop fifo frame compressed multicast, then the same of transmission (`proc(5)`).
 */
export function parseCounters(out: Uint8Array): {
  byPid: ReadonlyMap<number, DevCounters>;
  problems: readonly string[];
} {
  const byPid = new Map<number, Map<string, Counters>>();
  const problems: string[] = [];
  for (const {text} of linesOf(out)) {
    const match = /^\/proc\/(\d+)\/net\/dev:\s*([^:\s]+):\s*([\d\s]+)$/.exec(text);
    const columns = match?.[3]?.trim().split(/\s+/).map(Number) ?? [];
    if (!match || columns.length < 16 || !columns.every(Number.isFinite)) {
      note(problems, () => `a line without counters: ${quoted(text)}.`);
      continue;
    }
    const pid = Number(match[1]);
    const devices = byPid.get(pid) ?? new Map<string, Counters>();
    byPid.set(pid, devices);
    devices.set(match[2]!, {
      rxBytes: columns[0]!,
      rxPackets: columns[1]!,
      rxErrors: columns[2]!,
      rxDropped: columns[3]!,
      txBytes: columns[8]!,
      txPackets: columns[9]!,
      txErrors: columns[10]!,
      txDropped: columns[11]!,
    });
  }
  return {byPid, problems};
}

/** A paste may have other files of `/proc/PID/net` beside `dev`, and the heading of that. */
function pastedCounters(reply: Reply): ReturnType<typeof parseCounters> {
  if (reply.reader !== PASTED) return parseCounters(reply.out);
  const lines = piecesOf(reply).flatMap(({out}) => [...linesOf(out)].map(({text}) => text));
  const counts = lines.filter(line => /^\/proc\/\d+\/net\/dev:[^|]*:[\d\s]+$/.test(line));
  return parseCounters(new TextEncoder().encode(counts.join('\n')));
}

export const COUNTERS: Fact = {
  name: 'counters',
  reader: {
    name: 'proc-net-dev@1',
    fact: 'counters',
    scope: 'node',
    command: 'f=; for p in $hop_pids; do f="$f /proc/$p/net/dev"; done; grep -sH : /dev/null $f',
    why: "Every interface's packets, bytes, errors and drops, for rates.",
    limit: 16_000_000,
    timeout: 5,
    slight: true,
  },
  cadence: {when: 'sweep'},
  formats: [
    {
      name: 'proc-net-dev@1',
      label: 'grep : /proc/PID/net/dev',
      looks: ({lines}) => lines.some(line => /^\/proc\/\d+\/net\/dev:/.test(line)),
      redact: out => out,
    },
  ],
  contribute(reply, soFar) {
    const {byPid, problems} = pastedCounters(reply);
    const gaps = gapsOf(reply, {name: 'grep', fine: [1, 2]}, problems, {soFar});
    const netns = new Map<string, {counters: ReturnType<typeof dated<DevCounters>>}>();
    const peopled = new Set<string>();
    for (const {pid, netns: inode} of soFar.members?.value ?? []) {
      if (pid === undefined) continue;
      peopled.add(inode);
      const counters = byPid.get(pid);
      if (counters) netns.set(inode, {counters: dated(reply, counters)});
    }
    const explained = gaps.length > 0 || reply.reader === PASTED;
    for (const inode of peopled) {
      if (netns.has(inode) || explained) continue;
      gaps.push({
        node: reply.node,
        fact: reply.fact,
        netns: inode,
        reason: `Counters of namespace ${inode} on node ${reply.node} were not read: its process ended meanwhile.`,
        reveal: 'The next sweep reads them by way of another process.',
      });
    }
    return {netns, gaps};
  },
  /** Nothing secret: names of interfaces and numbers. */
  redact: out => out,
};
