import type {Reply} from '../wire/source.ts';
import {dated, gapsOf} from './contribution.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted} from './lines.ts';
import {parsePieces} from './pieces.ts';
import type {NetnsFacts} from './snapshot.ts';

/** One kernel setting, named as `sysctl(8)` names it: `net.ipv4.ip_forward`. */
export type Sysctl = Span & {readonly name: string; readonly value: string};

/**
 * Sample (`grep -H '' …`): `/proc/sys/net/ipv4/conf/eth0/rp_filter:0`. A dot in an interface's name is written as a
 * slash, as `sysctl(8)` does it: `net.ipv4.conf.eth0/100.rp_filter`.
 */
export function parseSysctls(out: Uint8Array): Parsed<Sysctl> {
  const rows: Sysctl[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of linesOf(out)) {
    const match = /^\/proc\/sys\/([^:]+):(.*)$/.exec(text);
    if (!match) {
      note(problems, () => `a line that is no setting: ${quoted(text)}.`);
      continue;
    }
    const name = match[1]!
      .split('/')
      .map(part => part.replaceAll('.', '/'))
      .join('.');
    rows.push({from, to, name, value: match[2]!.trim()});
  }
  return {rows, problems};
}

/** Sample (`sysctl net.ipv4.ip_forward`, procps-ng 4.0): `net.ipv4.ip_forward = 1`; also with slashes. */
export function parseSysctlText(out: Uint8Array): Parsed<Sysctl> {
  const rows: Sysctl[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of linesOf(out)) {
    if (/^sysctl: /.test(text)) continue;
    const match = SYSCTL.exec(text);
    if (match) rows.push({from, to, name: match[1]!, value: match[2]!.trim()});
    else note(problems, () => `a line that is no setting: ${quoted(text)}.`);
  }
  return {rows, problems};
}

const SYSCTL = /^([a-z][\w-]*(?:\.[\w/-]+)+)\s*=\s*(.*)$/;

const IPV4 = '/proc/sys/net/ipv4';
const IPV6 = '/proc/sys/net/ipv6';
const BOTH = [
  `${IPV4}/ip_forward`,
  `${IPV6}/conf/all/forwarding`,
  '/proc/sys/net/netfilter/nf_conntrack_max',
  '/proc/sys/net/netfilter/nf_conntrack_count',
];

function contribute(reply: Reply, inode: string | undefined) {
  const {rows, problems} = parsePieces(reply, parseSysctls, {'sysctl@1': parseSysctlText});
  // grep -s ends with 2 where a setting is not there: an older kernel, no IPv6, no connection tracking.
  const gaps = gapsOf(reply, {name: 'grep', fine: [1, 2]}, problems);
  if (inode === undefined || rows.length === 0) return {gaps};
  return {netns: new Map<string, Partial<NetnsFacts>>([[inode, {sysctls: dated(reply, rows)}]]), gaps};
}

/** `sysctl -a` has more than networks: host names, keys of the kernel's random generator. Only `net` is kept. */
function keepNet(out: Uint8Array): Uint8Array {
  const kept = [...linesOf(out)].filter(({text}) => /^(net\.|\/proc\/sys\/net\/)/.test(text));
  return new TextEncoder().encode(kept.map(({text}) => `${text}\n`).join(''));
}

/** Settings of the node's own namespace, with those of every interface. */
export const SYSCTLS: Fact = {
  name: 'sysctls',
  reader: {
    name: 'sysctls@1',
    fact: 'sysctls',
    scope: 'node',
    command: `grep -sH '' ${[
      ...BOTH,
      `${IPV4}/conf/*/rp_filter`,
      `${IPV4}/conf/*/forwarding`,
      `${IPV4}/conf/*/proxy_arp`,
      `${IPV6}/conf/all/disable_ipv6`,
      `${IPV4}/neigh/default/gc_thresh3`,
      '/proc/sys/net/bridge/bridge-nf-call-iptables',
      '/proc/sys/net/bridge/bridge-nf-call-ip6tables',
    ].join(' ')}`,
    why: 'Settings that decide whether the node forwards, drops by reverse path, answers for others, tracks.',
    limit: 4_000_000,
    timeout: 5,
    slight: true,
  },
  cadence: {when: 'change', backstop: 15},
  formats: [
    {
      name: 'sysctls@1',
      label: "grep -H '' /proc/sys/net/…",
      looks: ({lines}) => /^\/proc\/sys\/net\/[^:]+:/.test(lines[0] ?? ''),
      redact: keepNet,
    },
    {
      name: 'sysctl@1',
      label: 'sysctl net.ipv4.ip_forward …',
      looks: ({lines}) => /^net\.\S+\s*=/.test(lines[0] ?? ''),
      redact: keepNet,
    },
  ],
  contribute: (reply, soFar) => contribute(reply, soFar.hostNetns),
  /** Nothing secret: kernel settings. */
  redact: out => out,
};

/** The same in every namespace; names are fixed, because a pattern would be expanded outside of it. */
export const NETNS_SYSCTLS: Fact = {
  name: 'netns-sysctls',
  reader: {
    name: 'netns-sysctls@1',
    fact: 'netns-sysctls',
    scope: 'each-netns',
    command: `grep -sH '' ${[
      ...BOTH,
      `${IPV4}/conf/all/rp_filter`,
      `${IPV4}/conf/default/rp_filter`,
      `${IPV4}/conf/eth0/rp_filter`,
    ].join(' ')}`,
    why: 'Whether a namespace forwards, and drops by reverse path.',
    limit: 4_000_000,
    timeout: 5,
    slight: true,
  },
  cadence: {when: 'change', backstop: 15},
  /** The node's own namespace is left to `sysctls`, which reads more of it. */
  contribute: (reply, soFar) =>
    reply.netns !== undefined && reply.netns === soFar.hostNetns && soFar.netns.get(reply.netns)?.sysctls
      ? {}
      : contribute(reply, reply.netns),
  /** Nothing secret: kernel settings. */
  redact: out => out,
};
