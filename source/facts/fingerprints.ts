import {dated, gapsOf} from './contribution.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted, textOf} from './lines.ts';
import {CONTAINER_GLOBS} from './sandboxes/reader.ts';

/**
 * Samples: a process id with checksums of its namespace's `route`, `fib_trie`, `if_inet6` and `arp`, and the IPv6 routes
 * that nothing else mirrors; what the node's clock shows (seconds
 * since 1970); then the node's own links, and what lies on disk.
 * ```
 * 2928 2898569936,3073015037,3469292735,4280954909
 * host 3184570171
 * node 1173894212
 * clock 1795489600
 * ```
 */
export function parseFingerprints(out: Uint8Array): {
  rows: ReadonlyMap<string, string>;
  problems: readonly string[];
} {
  const rows = new Map<string, string>();
  const problems: string[] = [];
  for (const {text} of linesOf(out)) {
    const match = /^(\d+|host|node|clock) (\S+)$/.exec(text);
    if (match) rows.set(match[1]!, match[2]!);
    else note(problems, () => `a line that is no fingerprint: ${quoted(text)}.`);
  }
  return {rows, problems};
}

/**
 * Names of interfaces come from the counters of the same sweep. Left out on purpose, because they change with traffic: the
 * reference and use columns of `ipv6_route`, timers. Left out because something else mirrors them: IPv6 routes of the kernel's own making (local,
 * anycast and multicast ones, link-local prefixes). What procfs does not show at all (policy rules, IPv6 neighbours,
 * forwarding entries, MTU inside of a pod) is what the backstop is for.
 */
const AWK = [
  '$0~/^[0-9a-f]+ .*\\/proc\\//{split($NF,a,"/");s=$1}',
  '$0~/^\\/proc\\//{i=index($0,":");split(substr($0,1,i-1),a,"/");t=substr($0,i+1);s="";',
  'split(t,r," ");if(!(r[9]~/^8/||r[9]~/^..[13579bdf]/||r[1]~/^ff0/||r[6]=="ffffffff"&&r[10]=="lo"',
  '||r[1]~/^fe80/&&r[5]~/^0*$/))s=r[1] r[2] r[3] r[4] r[5] r[6] r[9] r[10]}',
  's!=""{p=a[3];if(!(p in S))P[++k]=p;S[p]=S[p] "," s;s=""}',
  // The second call tells what the first one took for a seed: the time of day (POSIX, `awk`).
  'END{for(i=1;i<=k;i++)print P[i] " " substr(S[P[i]],2);srand();print "clock " srand()}',
].join('');

/** `sum`: a program that prints a checksum first and the file last. */
const commandWith = (sum: string) =>
  [
    'c=; n=',
    'for p in $hop_pids; do q=/proc/$p/net; c="$c $q/route $q/fib_trie $q/if_inet6 $q/arp"; n="$n $q/ipv6_route"; done',
    `{ ${sum} $c; grep -sH '' $n; } </dev/null 2>/dev/null | awk '${AWK}'`,
    `set -- $(cat /sys/class/net/*/mtu /sys/class/net/*/operstate /sys/class/net/*/flags /sys/class/net/*/brport/bridge/address 2>/dev/null | ${sum}); echo "host $1"`,
    `set -- $(echo /run/netns/* ${CONTAINER_GLOBS} | ${sum}); echo "node $1"`,
  ].join('; ');

export const FINGERPRINTS: Fact = {
  name: 'fingerprints',
  reader: {
    name: 'fingerprints@1',
    fact: 'fingerprints',
    scope: 'node',
    command: commandWith('cksum'),
    tool: 'cksum',
    why: 'A few bytes a namespace that change when its links, addresses, routes or neighbours do; only then are those read again.',
    limit: 4_000_000,
    timeout: 5,
    slight: true,
  },
  otherwise: [
    {
      reader: {
        name: 'fingerprints-md5@1',
        fact: 'fingerprints',
        scope: 'node',
        command: commandWith('md5sum'),
        tool: 'md5sum',
        why: 'Where `cksum` is missing, as in some builds of busybox: the same.',
        limit: 4_000_000,
        timeout: 5,
        slight: true,
      },
    },
  ],
  // The pipes' last commands end well without it.
  unfit: ({out, err}) =>
    /\bcksum: .*not found/.test(err) && /^(host|node) ?$/m.test(textOf(out, 0, out.length))
      ? '`cksum` is not installed'
      : undefined,
  cadence: {when: 'sweep'},
  contribute(reply, soFar) {
    const {rows, problems} = parseFingerprints(reply.out);
    const name = reply.reader === 'fingerprints@1' ? 'cksum' : 'md5sum';
    const gaps = gapsOf(reply, {name, package: 'coreutils', fine: [1]}, problems, {soFar});
    if (rows.size === 0) return {gaps};
    const prints = new Map<string, string>();
    for (const {pid, netns} of soFar.members?.value ?? []) {
      const print = pid === undefined ? undefined : rows.get(String(pid));
      if (print === undefined) continue;
      const names = soFar.netns.get(netns)?.counters?.value.keys() ?? [];
      prints.set(netns, `${print} ${[...names].join()}`);
    }
    const host = soFar.hostNetns;
    if (host !== undefined) prints.set(host, `${prints.get(host) ?? ''} ${rows.get('host') ?? ''}`);
    const node = rows.get('node');
    if (node !== undefined) prints.set('node', node);
    const clock = Number(rows.get('clock'));
    // One that was not set is near its epoch; what a tool makes up is no time.
    const told = Number.isSafeInteger(clock) && clock > 0 ? {clock: dated(reply, clock)} : {};
    return {node: {fingerprints: dated(reply, prints), ...told}, gaps};
  },
  /** Nothing secret: checksums, names of interfaces and IPv6 prefixes. */
  redact: out => out,
};
