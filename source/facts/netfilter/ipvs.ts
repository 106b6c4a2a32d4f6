import {linesOf, note, quoted} from '../lines.ts';
import {canonical} from '../prefix.ts';
import type {VirtualServer} from './ruleset.ts';

type Open = {-readonly [K in keyof VirtualServer]: VirtualServer[K]} & {
  backends: VirtualServer['backends'][number][];
};

/**
 * `/proc/net/ip_vs`. Sample (Linux 6.1, ip_vs_info_seq_show in net/netfilter/ipvs/ip_vs_ctl.c), whose numbers read left
 * to right, unlike those of `/proc/net/tcp`; IPv6 stands in brackets:
 * ```
 * TCP  0A600001:01BB rr persistent 10800 FFFFFFFF
 *   -> 0AF40105:1F90      Masq    1      0          3
 * ```
 */
export function parseIpvs(
  out: Uint8Array,
  base = 0,
): {servers: readonly VirtualServer[]; problems: readonly string[]} {
  const servers: Open[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of linesOf(out)) {
    const span = {from: base + from, to: base + to};
    const server = /^(TCP|UDP|SCTP|FWM)\s+(\S+)\s+(\S+)\s*(.*)$/.exec(text);
    const backend = /^\s+->\s+(\S+)\s+(\w+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(text);
    const end = endpointOf(server?.[2] ?? backend?.[1] ?? '');
    if (server && (end || server[1] === 'FWM')) {
      servers.push({
        ...span,
        protocol: server[1]!.toLowerCase() as VirtualServer['protocol'],
        address: end?.address ?? '',
        port: end?.port ?? 0,
        scheduler: server[3]!,
        persistent: /\bpersistent\b/.test(server[4]!),
        backends: [],
      });
    } else if (backend && end && servers.length > 0) {
      servers.at(-1)!.backends.push({
        ...span,
        ...end,
        forward: backend[2]!,
        weight: Number(backend[3]),
        active: Number(backend[4]),
        inactive: Number(backend[5]),
      });
    } else if (!/^(IP Virtual Server|Prot LocalAddress|\s+-> RemoteAddress)/.test(text)) {
      note(problems, () => `a line that is no virtual server: ${quoted(text)}.`);
    }
  }
  return {servers, problems};
}

/** `0A600001:01BB`, `[fd00:0000:…]:01BB`. */
function endpointOf(text: string): {address: string; port: number} | undefined {
  const found = /^(?:([0-9A-F]{8})|\[([0-9a-f:]+)\]):([0-9A-F]{4})$/i.exec(text);
  if (!found) return undefined;
  const octets = found[1]?.match(/../g)?.map(byte => Number.parseInt(byte, 16));
  const address = canonical(octets?.join('.') ?? found[2] ?? '');
  return address === undefined ? undefined : {address, port: Number.parseInt(found[3]!, 16)};
}
