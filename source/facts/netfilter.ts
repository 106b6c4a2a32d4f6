import {dated, gapsOf} from './contribution.ts';
import type {Fact} from './fact.ts';
import {quoted} from './lines.ts';
import {parseIptables} from './netfilter/iptables.ts';
import {parseIpvs} from './netfilter/ipvs.ts';
import {parseNft} from './netfilter/nft.ts';
import type {Netfilter, Ruleset, VirtualServer} from './netfilter/ruleset.ts';

/**
 * Each tool is run only where the kernel already has what it would ask: of the old tables those that /proc names, of
 * nf_tables when its code is in the kernel (kallsyms has the symbols of modules and of what is built in). Tables that
 * iptables keeps in nf_tables are left to `iptables-save`, which prints their extensions as what they are.
 */
const COMMAND = `hop_save() {
  for t; do command -v "$t" >/dev/null || continue
    case $hop_run in *" $t "*) return;; esac
    hop_run="$hop_run $t "; echo "@ $t"; "$t" 2>&1; echo "= $?"; return
  done; echo "! $1"
}
hop_run=
grep -qsm1 ' nf_tables_' /proc/kallsyms && hop_nft=1 || hop_nft=
for v in ip ip6; do
  if [ -e /proc/net/\${v}_tables_names ] && ! [ -r /proc/net/\${v}_tables_names ]; then echo '! refused'; continue; fi
  n=$(cat /proc/net/\${v}_tables_names 2>/dev/null)
  [ -z "$n" ] || hop_save \${v}tables-legacy-save \${v}tables-save
  [ -z "$hop_nft" ] || hop_save \${v}tables-nft-save \${v}tables-save
done
if [ -n "$hop_nft" ] && command -v nft >/dev/null; then
  nft list tables 2>/dev/null | while read -r x f n; do
    case "$f $n" in
      'ip '*|'ip6 '*|'inet '*) ;;
      *) continue;;
    esac
    case $n in filter|nat|mangle|raw|security) [ "$f" = inet ] || continue;; esac
    echo "@ nft"; nft -j list table "$f" "$n" 2>&1; echo "= $?"
  done
fi
if [ -r /proc/net/ip_vs ]; then echo '@ ip_vs'; cat /proc/net/ip_vs; echo "= $?"; fi
hop_pins=$(ls /sys/fs/bpf /sys/fs/bpf/tc/globals 2>/dev/null | grep -E 'lb[46]_services|_nat_fe' | sort -u)
[ -z "$hop_pins" ] || { echo '@ bpf'; echo "$hop_pins"; echo '= 0'; }
echo '! done'`;

export type ParsedNetfilter = Netfilter & {readonly problems: readonly string[]; readonly refused: boolean};

/**
 * One answer of the reader: for each tool a line `@ TOOL`, what it printed, and `= STATUS`; `! TOOL` for one that would
 * have been needed and is not there; `! done` at the end.
 */
export function parseNetfilter(out: Uint8Array): ParsedNetfilter {
  const bytes = Buffer.from(out.buffer, out.byteOffset, out.byteLength);
  const rulesets: Ruleset[] = [];
  const servers: VirtualServer[] = [];
  const bpf: string[] = [];
  const problems: string[] = [];
  let refused = false;
  let done = false;
  for (let start = 0; start < bytes.length; ) {
    const end = lineEnd(bytes, start);
    const line = bytes.toString('utf8', start, Math.min(end, start + 200));
    const [, sign, word = ''] = /^([@!]) ([\w-]+)$/.exec(line) ?? [];
    start = end + 1;
    if (sign === '!') {
      if (word === 'done') done = true;
      else if (word === 'refused') refused = true;
      else problems.push(`${word} is not installed, and its tables are in use there.`);
    } else if (sign === '@') {
      const {to, status, next} = sectionOf(bytes, start);
      take(word, bytes.subarray(start, to), start);
      if (status !== '0') problems.push(`${word} ended with status ${status ?? 'unknown'}.`);
      start = next;
    } else if (line !== '') problems.push(`a line outside of any table: ${quoted(line)}.`);
  }
  if (bytes.length > 0 && !done && !refused) problems.push('the answer ends before its end.');
  return {rulesets, servers, bpf, problems, refused};

  function take(tool: string, section: Buffer, base: number): void {
    if (tool === 'ip_vs') {
      const parsed = parseIpvs(section, base);
      servers.push(...parsed.servers);
      problems.push(...parsed.problems);
    } else if (tool === 'nft') {
      const parsed = parseNft(section, base);
      rulesets.push(...parsed.rulesets);
      problems.push(...parsed.problems);
    } else if (tool === 'bpf') bpf.push(...section.toString('utf8').split('\n').filter(Boolean));
    else {
      const parsed = parseIptables(section, tool.startsWith('ip6') ? 6 : 4, base);
      if (parsed.ruleset.chains.length > 0) rulesets.push(parsed.ruleset);
      problems.push(...parsed.problems);
    }
  }
}

function lineEnd(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(10, from);
  return end < 0 ? bytes.length : end;
}

function sectionOf(bytes: Buffer, from: number): {to: number; status?: string; next: number} {
  for (let at = from; at < bytes.length; at = lineEnd(bytes, at) + 1) {
    if (bytes[at] !== 0x3d || bytes[at + 1] !== 0x20) continue;
    const end = lineEnd(bytes, at);
    const status = bytes.toString('latin1', at + 2, Math.min(end, at + 6));
    if (/^\d{1,3}$/.test(status)) return {to: at, status, next: end + 1};
  }
  return {to: bytes.length, next: bytes.length};
}

const REFUSED = 'which packet filter tables are in use may only be read by root.';

export const NETFILTER: Fact = {
  name: 'netfilter',
  reader: {
    name: 'netfilter@1',
    fact: 'netfilter',
    scope: 'node',
    command: COMMAND,
    why: 'What the node translates: services, node ports, host ports, masquerade.',
    withoutRoot: 'packet filter rules cannot be read at all.',
    limit: 64_000_000,
    timeout: 15,
  },
  cadence: {when: 'change', backstop: 15},
  contribute(reply, soFar) {
    const {problems, refused, ...netfilter} = parseNetfilter(reply.out);
    const said = refused ? [...problems, REFUSED] : problems;
    const gaps = gapsOf(reply, {name: 'the netfilter reader'}, said);
    const nothing = refused || reply.out.length === 0;
    const garbage = netfilter.rulesets.length + netfilter.servers.length === 0 && problems.length > 0;
    if (soFar.hostNetns === undefined || nothing || garbage) return {gaps};
    return {netns: new Map([[soFar.hostNetns, {netfilter: dated(reply, netfilter)}]]), gaps};
  },
  /** Nothing secret: addresses, ports, names of services in comments. */
  redact: out => out,
};
