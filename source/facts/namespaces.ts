import {AS_ROOT, dated, gapsOf} from './contribution.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {linesOf, quoted} from './lines.ts';
import {optional} from './links.ts';

/** One way into a network namespace: a process that is in it, or a bind mount that keeps it alive. */
export type NamespaceMember = Span & {
  /** Inode of the nsfs file, decimal: the namespace's name everywhere in hoptop. */
  readonly netns: string;
  readonly pid?: number;
  /** e.g. /run/netns/cni-1234. */
  readonly path?: string;
};

export type Namespaces = Parsed<NamespaceMember> & {
  /** Namespace of pid 1; where that is not readable, of the shell that asked. */
  readonly host?: string;
};

/**
 * Samples (`stat -L -c '%d %i %n'`, coreutils 9.1): device and inode of the namespace's file, and the way to it.
 * ```
 * 4 4026531840 /proc/self/ns/net
 * 4 4026532474 /proc/2867/ns/net
 * 4 4026532474 /run/netns/cni-234f3990-1106-abf3-00b4-3d64bbf392c7
 * ```
 * A file in /run/netns on another device is one whose mount is gone: not a namespace.
 */
export function parseNamespaces(out: Uint8Array): Namespaces {
  const rows: NamespaceMember[] = [];
  const paths: (NamespaceMember & {device: string})[] = [];
  const problems: string[] = [];
  let own: string | undefined;
  let first: string | undefined;
  let device: string | undefined;
  for (const {from, to, text} of linesOf(out)) {
    const match = /^(\d+) (\d+) (\/.+)$/.exec(text);
    if (!match) {
      problems.push(`a line that is no namespace: ${quoted(text)}.`);
      continue;
    }
    const [, at, netns, path] = match as unknown as [string, string, string, string];
    const pid = /^\/proc\/(\d+)\/ns\/net$/.exec(path)?.[1];
    if (path === '/proc/self/ns/net') own = netns;
    else if (pid !== undefined) {
      if (pid === '1') first = netns;
      rows.push({from, to, netns, pid: Number(pid)});
    } else paths.push({from, to, netns, path, device: at});
    if (path.startsWith('/proc/')) device ??= at;
  }
  for (const {device: at, ...row} of paths) if (device === undefined || at === device) rows.push(row);
  return {rows, problems, ...optional('host', first ?? own)};
}

const NEEDS_ROOT = "Only the namespaces of the user's own processes are seen.";

export const NAMESPACES: Fact = {
  name: 'namespaces',
  reader: {
    name: 'stat-netns@1',
    fact: 'namespaces',
    scope: 'node',
    command:
      "stat -L -c '%d %i %n' /proc/self/ns/net /proc/[0-9]*/ns/net /run/netns/* /var/run/netns/* " +
      '/run/docker/netns/* /run/containerd/io.containerd.grpc.v1.cri/netns/*',
    why: 'Which network namespaces there are, which processes are in them, and the bind mounts that keep them.',
    withoutRoot: NEEDS_ROOT,
    limit: 16_000_000,
    timeout: 5,
  },
  cadence: {when: 'sweep'},
  contribute(reply, soFar) {
    const {rows, host, problems} = parseNamespaces(reply.out);
    const gaps = gapsOf(reply, {name: 'stat', package: 'coreutils', fine: [1]}, problems, {
      soFar,
      withoutRoot: NEEDS_ROOT,
    });
    if (rows.length === 0 && host === undefined) {
      const reason = `No network namespace could be read on node ${reply.node}.`;
      return {gaps: gaps.length > 0 ? gaps : [{node: reply.node, fact: reply.fact, reason, reveal: AS_ROOT}]};
    }
    return {node: {members: dated(reply, rows), ...optional('hostNetns', host)}, gaps};
  },
  /** Nothing secret: inodes, process ids and names of mounts. */
  redact: out => out,
};
