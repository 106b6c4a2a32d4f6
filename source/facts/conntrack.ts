import {joinPasted} from './conntrack/pasted.ts';
import {scanConntrack} from './conntrack/scan.ts';
import {type ConntrackTable, createConntrackDraft, finishConntrack} from './conntrack/table.ts';
import {AS_ROOT, dated, gapsOf} from './contribution.ts';
import type {Gap} from './evidence.ts';
import type {Fact} from './fact.ts';
import {lineEnd, note, quoted} from './lines.ts';
import {PASTED, piecesOf} from './pieces.ts';
import type {Snapshot} from './snapshot.ts';

/** From so many entries in one namespace on, only those that translate are sent. */
const MANY = 8192;
/** A table of more entries than these is not read on every sweep, but on every so-manyth. */
const DEAR = 2000;
const SELDOM = 5;

/** An awk program that keeps the lines whose reply is not the original turned round (see `scanConntrack`). */
const TRANSLATED = `{ n = split($0, t, "src="); if (n < 3) next; split(t[2], a, " "); split(t[3], b, " ")
  if ("dst=" b[1] != a[2] || "dst=" a[1] != b[2] || (a[3] ~ /^sport/ && (substr(a[3], 2) != substr(b[4], 2) || substr(a[4], 2) != substr(b[3], 2)))) print }`;

/**
 * The kernel's own file costs a walk over one hash table, which all namespaces share; how many entries a namespace has
 * stands in the first column of `stat/nf_conntrack`, so that only those with any are walked. Where the kernel was
 * built without the file, the tool asks by netlink, but only where that is there already.
 */
const COMMAND = `hop_f=; for p in $hop_pids; do hop_f="$hop_f /proc/$p/net/stat/nf_conntrack"; done
if [ ! -e /proc/sys/net/netfilter/nf_conntrack_count ]; then echo '! none'
elif [ -r /proc/net/nf_conntrack ]; then echo '! file'
  grep -sHm1 '^0*[1-9a-f][0-9a-f]* ' /dev/null $hop_f | while IFS=: read -r f n; do
    n=\${n%% *}; p=\${f#/proc/}; p=\${p%%/*}
    case $n in
      0000[01]*) echo "@ $p $n all"; cat /proc/$p/net/nf_conntrack;;
      *) echo "@ $p $n translated"; awk '${TRANSLATED}' /proc/$p/net/nf_conntrack;;
    esac
  done
elif [ -e /proc/net/nf_conntrack ]; then echo '! refused'
elif ! command -v conntrack >/dev/null; then echo '! no-tool'
elif grep -qs '^nf_conntrack_netlink ' /proc/modules || grep -qs 'nf_conntrack_netlink' /lib/modules/$(uname -r)/modules.builtin; then
  read -r n </proc/sys/net/netfilter/nf_conntrack_count
  echo '! tool'; m=all; [ "$n" -lt ${MANY} ] || m=translated; echo "@ host $(printf %08x "$n") $m"
  for f in ipv4 ipv6; do conntrack -L -f $f -o extended 2>/dev/null; done | if [ $m = all ]; then cat; else awk '${TRANSLATED}'; fi
else echo '! not-loaded'; fi`;

const TOLD: Record<string, readonly [reason: string, reveal: string]> = {
  refused: ['the kernel’s table of tracked connections may only be read by root', AS_ROOT],
  'no-tool': [
    'its kernel shows no /proc/net/nf_conntrack, and the tool `conntrack` is not installed',
    'Install conntrack (Debian: conntrack; others: conntrack-tools).',
  ],
  'not-loaded': [
    'its kernel shows no /proc/net/nf_conntrack, and asking by netlink would load the module nf_conntrack_netlink',
    'Load it by hand, if you may: modprobe nf_conntrack_netlink.',
  ],
};

export type ParsedConntrack = {
  /** Absent when the table could not be read at all. */
  readonly table?: ConntrackTable;
  readonly problems: readonly string[];
  /** The word that the command says about where it read; see `COMMAND`. */
  readonly how: string;
};

/**
 * One answer of the reader: a line `! HOW`, then for each namespace `@ PID ENTRIES all|translated` and its lines.
 * `netnsOf` tells the namespace of a process; entries of one that is not known are counted as a problem.
 */
export function parseConntrack(
  out: Uint8Array,
  netnsOf: (pid: string) => string | undefined,
): ParsedConntrack {
  const bytes = Buffer.from(out.buffer, out.byteOffset, out.byteLength);
  const draft = createConntrackDraft(Math.ceil(bytes.length / 150) + 16);
  const problems: string[] = [];
  let how = '';
  for (let start = 0; start < bytes.length; ) {
    const end = lineEnd(bytes, start);
    const line = bytes.toString('utf8', start, Math.min(end, start + 200));
    const [, said] = /^! ([\w-]+)$/.exec(line) ?? [];
    const [, pid, entries, mode] = /^@ (\w+) ([0-9a-f]{8}) (all|translated)$/.exec(line) ?? [];
    start = end + 1;
    if (said !== undefined) how = said;
    else if (pid === undefined) {
      if (line !== '') note(problems, () => `a line outside of any table: ${quoted(line)}.`);
    } else {
      const to = nextSection(bytes, start);
      const netns = netnsOf(pid);
      if (netns === undefined || draft.netns.includes(netns)) {
        note(
          problems,
          () => `the entries of process ${pid}’s namespace: which one that is was not known any more.`,
        );
      } else {
        const index = draft.netns.push(netns) - 1;
        draft.total.push(mode === 'all' ? undefined : Number.parseInt(entries!, 16));
        const misread = scanConntrack(bytes, start, to, draft, index);
        if (misread.lines > 0) {
          const first = quoted(
            bytes.toString('utf8', misread.from, Math.min(misread.to, misread.from + 240)),
          );
          note(problems, () => `${misread.lines} entries were not understood, the first: ${first}`);
        }
      }
      start = to;
    }
  }
  if (how === '' && bytes.length > 0) note(problems, () => 'the answer does not say where it was read.');
  return how === 'file' || how === 'tool' || how === 'none'
    ? {table: finishConntrack(draft), problems, how}
    : {problems, how};
}

/** Where the next line with `@` begins. */
function nextSection(bytes: Buffer, from: number): number {
  if (bytes[from] === 0x40) return from;
  const next = bytes.indexOf('\n@', from);
  return next < 0 ? bytes.length : next + 1;
}

export const CONNTRACK: Fact = {
  name: 'conntrack',
  reader: {
    name: 'nf-conntrack@1',
    fact: 'conntrack',
    scope: 'node',
    command: COMMAND,
    why: 'Which connections the node translates, and to what: the other end of a ClusterIP, NodePort or masquerade.',
    withoutRoot: 'tracked connections cannot be read at all.',
    limit: 64_000_000,
    timeout: 10,
  },
  cadence: {when: 'change', backstop: SELDOM},
  /** On every sweep where it is cheap. */
  dueWhen: ({sweep, conntrack}) =>
    (conntrack?.value.count ?? 0) > DEAR || conntrack?.value.total.some(total => total !== undefined)
      ? `${Math.floor(sweep / SELDOM)}`
      : `sweep ${sweep}`,
  formats: [
    {
      name: 'conntrack@1',
      label: 'conntrack -L, cat /proc/net/nf_conntrack',
      looks: ({lines}) =>
        lines
          .slice(0, 3)
          .some(line =>
            /^(ipv[46] +\d+ )?(tcp|udp|sctp|icmp\w*|dccp|gre|unknown) +\d+ .*\bsrc=\S+ dst=\S+ .*\bsrc=\S+ dst=/.test(
              line,
            ),
          ),
      redact: out => out,
    },
  ],
  contribute(reply, soFar) {
    const out = reply.reader === PASTED ? joinPasted(piecesOf(reply)) : reply.out;
    const {table, problems, how} = parseConntrack(out, pid => namespaceOf(soFar, pid));
    const gaps = gapsOf(reply, {name: 'the conntrack reader'}, problems);
    const add = (reason: string, reveal: string): void => {
      gaps.push({node: reply.node, fact: reply.fact, reason, reveal});
    };
    const told = TOLD[how];
    if (told) add(`Tracked connections of node ${reply.node} were not read: ${told[0]}.`, told[1]);
    for (const gap of table ? partial(reply.node, table) : []) gaps.push(gap);
    return {...(table && {node: {conntrack: dated(reply, table)}}), gaps};
  },
  /** Nothing secret: addresses and ports. */
  redact: out => out,
};

function namespaceOf(soFar: Snapshot, pid: string): string | undefined {
  if (pid === 'host') return soFar.hostNetns;
  return soFar.members?.value.find(member => member.pid === Number(pid))?.netns;
}

function partial(node: string, {netns, total}: ConntrackTable): Gap[] {
  return netns.flatMap((inode, i) =>
    total[i] === undefined
      ? []
      : [
          {
            node,
            fact: 'conntrack',
            netns: inode,
            reason: `Node ${node} tracks ${total[i]} connections there: only those that it translates were read.`,
            reveal: 'Look one up on the node with `conntrack -L`.',
          },
        ],
  );
}
