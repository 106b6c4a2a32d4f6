import type {Reply} from '../wire/source.ts';
import {AS_ROOT, dated, gapsOf} from './contribution.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted} from './lines.ts';
import {optional} from './links.ts';
import {inFile, piecesOf, shifted} from './pieces.ts';

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
 * An ordinary user may not look at `ns/net` of others' processes, but at `/proc/PID/net/dev`, of which each namespace has
 * one of its own: its inode then stands for that of the namespace, and mounts cannot be joined with it.
 * ```
 * 4 4026532474 /proc/self/ns/net
 * 22 4026537630 /proc/self/net/dev
 * 22 4026537857 /proc/194/net/dev
 * ```
 * A file in /run/netns on another device is one whose mount is gone: not a namespace.
 */
export function parseNamespaces(out: Uint8Array): Namespaces {
  const rows: NamespaceMember[] = [];
  const paths: (NamespaceMember & {device: string})[] = [];
  const problems: string[] = [];
  const byFile: NamespaceMember[] = [];
  let mine: string | undefined;
  let own: string | undefined;
  let first: string | undefined;
  let device: string | undefined;
  for (const {from, to, text} of linesOf(out)) {
    const match = /^(\d+) (\d+) (\/.+)$/.exec(text);
    if (!match) {
      note(problems, () => `a line that is no namespace: ${quoted(text)}.`);
      continue;
    }
    const [, at, netns, path] = match as unknown as [string, string, string, string];
    const pid = /^\/proc\/(\d+)\/ns\/net$/.exec(path)?.[1];
    const by = /^\/proc\/(self|\d+)\/net\/dev$/.exec(path)?.[1];
    if (by === 'self') mine = netns;
    else if (by !== undefined) byFile.push({from, to, netns, pid: Number(by)});
    else if (path === '/proc/self/ns/net') own = netns;
    else if (pid !== undefined) {
      if (pid === '1') first = netns;
      rows.push({from, to, netns, pid: Number(pid)});
    } else paths.push({from, to, netns, path, device: at});
    if (path.startsWith('/proc/')) device ??= at;
  }
  if (mine !== undefined && own !== undefined) {
    const host = own;
    return {rows: byFile.map(row => (row.netns === mine ? {...row, netns: host} : row)), problems, host};
  }
  for (const {device: at, ...row} of paths) if (device === undefined || at === device) rows.push(row);
  return {rows, problems, ...optional('host', first ?? own)};
}

/** `4026532474 net         3  2867 root  1 /run/netns/cni-234f… sleep 1000000000`: one process of each namespace. */
const LSNS = /^\s*(\d{6,}) (\w+)\s+\d+\s+(\d+) /;

/** The command lines that `lsns` shows are not kept: they may hold secrets. */
function onlyNamespaces(out: Uint8Array): Uint8Array {
  const kept = [...linesOf(out)].flatMap(
    ({text}) => LSNS.exec(text)?.[0] ?? (/^\s*NS TYPE/.test(text) ? text : []),
  );
  return new TextEncoder().encode(kept.map(text => `${text}\n`).join(''));
}

const LS = /(\/proc\/\d+\/ns\/net) -> '?net:\[(\d+)\]'?$/;

/**
 * The same of what people type instead. Samples (coreutils 9.1): `/proc/1/ns/net 4026532246`, and complaints about
 * processes that ended (`stat: cannot statx …`); `lrwxrwxrwx 1 root root 0 … /proc/1/ns/net -> 'net:[4026531840]'`.
 */
export function typedMembers(out: Uint8Array): Namespaces {
  const rows: NamespaceMember[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of linesOf(out)) {
    if (/^(stat|ls): |^\s*NS TYPE/.test(text)) continue;
    const listed = LSNS.exec(text);
    if (listed) {
      if (listed[2] === 'net') rows.push({from, to, netns: listed[1]!, pid: Number(listed[3])});
      continue;
    }
    const [, link, inode] = LS.exec(text) ?? [];
    const [, name = link, netns = inode] = /^(\/\S+) (\d+)$/.exec(text) ?? [];
    const pid = /^\/proc\/(\d+)\/ns\/net$/.exec(name ?? '')?.[1];
    if (netns === undefined || name === undefined)
      note(problems, () => `a line that is no namespace: ${quoted(text)}.`);
    else if (pid !== undefined) rows.push({from, to, netns, pid: Number(pid)});
    else if (!name.startsWith('/proc/')) rows.push({from, to, netns, path: name});
  }
  return {rows, problems, ...optional('host', rows.find(row => row.pid === 1)?.netns)};
}

const TYPED = new Set(['stat-netns-names@1', 'ls-netns@1', 'lsns@1']);

function membersOf(reply: Pick<Reply, 'reader' | 'out'>): Namespaces {
  const read = piecesOf(reply).map(piece => {
    const {rows, problems, host} = TYPED.has(piece.format)
      ? typedMembers(piece.out)
      : parseNamespaces(piece.out);
    return {rows: shifted(rows, piece.from), problems: problems.map(problem => inFile(piece, problem)), host};
  });
  const host = read.map(one => one.host).find(one => one !== undefined);
  return {
    rows: read.flatMap(({rows}) => rows),
    problems: read.flatMap(({problems}) => problems),
    ...optional('host', host),
  };
}

const NEEDS_ROOT = 'Namespaces that no process is in are not seen, and no other one can be entered.';

export const NAMESPACES: Fact = {
  name: 'namespaces',
  reader: {
    name: 'stat-netns@1',
    fact: 'namespaces',
    scope: 'node',
    command:
      "stat -L -c '%d %i %n' /proc/self/ns/net $hop_nets /proc/[0-9]*/ns/net /run/netns/* /var/run/netns/* " +
      '/run/docker/netns/* /run/containerd/io.containerd.grpc.v1.cri/netns/*',
    why: 'Which network namespaces there are, which processes are in them, and the bind mounts that keep them.',
    withoutRoot: NEEDS_ROOT,
    limit: 16_000_000,
    timeout: 5,
    slight: true,
  },
  cadence: {when: 'sweep'},
  formats: [
    {
      name: 'stat-netns@1',
      label: "stat -L -c '%d %i %n' /proc/[0-9]*/ns/net",
      looks: ({lines}) => /^\d+ \d+ \/(proc|run|var)\/\S+$/.test(lines[0] ?? ''),
      redact: out => out,
    },
    {
      name: 'stat-netns-names@1',
      label: "stat -L -c '%n %i' /proc/[0-9]*/ns/net",
      looks: ({lines}) => /^\/proc\/(self|\d+)\/ns\/net \d+$/.test(lines[0] ?? ''),
      redact: out => out,
    },
    {
      name: 'lsns@1',
      label: 'lsns -t net',
      looks: ({lines}) => /^\s*NS TYPE\s+NPROCS\s+PID\s/.test(lines[0] ?? ''),
      redact: onlyNamespaces,
    },
    {
      name: 'ls-netns@1',
      label: 'ls -l /proc/[0-9]*/ns/net',
      looks: ({lines}) => LS.test(lines[0] ?? ''),
      redact: out => out,
    },
  ],
  contribute(reply, soFar) {
    const {rows, host, problems} = membersOf(reply);
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
