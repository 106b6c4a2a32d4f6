import type {Element} from '../elements.ts';
import {type Line, linesOf} from '../lines.ts';

/** What `ip` and `bridge` print as text of their tables, one entry a line, in the shape of their JSON. */
type Entries = {readonly elements: readonly Element[]; readonly strange: readonly Line[]};

const ADDRESS = '(?:[0-9a-f.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)';
const TYPES = 'unicast|local|broadcast|multicast|anycast|blackhole|unreachable|prohibit|throw';
/** A kind and a destination, or a destination and what only routes have behind it. */
export const ROUTE = new RegExp(
  `^(?:(${TYPES}) (default|${ADDRESS}(?:/\\d+)?)((?: .*)?)|(default|${ADDRESS}(?:/\\d+)?)( .*\\b(?:dev|via|nhid|proto|scope|metric|table)\\b.*))$`,
);
export const NEIGHBOUR = new RegExp(
  `^(${ADDRESS}) dev (\\S+) (?=.*(?:lladdr|PERMANENT|REACHABLE|STALE|DELAY|PROBE|FAILED|NOARP|INCOMPLETE|NONE))(.*)$`,
);
export const RULE = /^(\d+):\s+(not )?from (\S+)(.*)$/;
export const FDB = /^([0-9a-f]{2}(?::[0-9a-f]{2}){5}) dev (\S+)(.*)$/;

/** `route -n` of net-tools, and `netstat -rn`; the first line of either, or a row. */
export const ROUTE_N =
  /^(?:Kernel IP routing table$|Destination\s+Gateway\s+Genmask\s|(\d+(?:\.\d+){3})\s+(\d+(?:\.\d+){3})\s+(\d+(?:\.\d+){3})\s+([UGHRDMC!]+)\s+(.*?)(\S+)$)/;
/** `arp -an`, with or without names. */
export const ARP = /^\S+ \(([0-9.]+)\) at (\S+)(?= )(?: \[\w+\])?(.*?) on (\S+)$/;

const after = (text: string, word: string) => new RegExp(`(?:^| )${word} (\\S+)`).exec(text)?.[1];
const put = (fields: Record<string, unknown>, key: string, value: unknown) => {
  if (value !== undefined) fields[key] = value;
};
const putNumber = (fields: Record<string, unknown>, key: string, value: string | undefined) => {
  if (value !== undefined && /^\d+$/.test(value)) fields[key] = Number(value);
};

function entries(
  out: Uint8Array,
  take: (text: string, last: Element | undefined) => Record<string, unknown> | 'last' | undefined,
): Entries {
  const elements: {from: number; to: number; fields: Record<string, unknown>}[] = [];
  const strange: Line[] = [];
  for (const line of linesOf(out)) {
    const fields = take(line.text.trimEnd(), elements.at(-1));
    if (fields === 'last') {
      const last = elements.at(-1);
      if (last) last.to = line.to;
    } else if (fields) elements.push({from: line.from, to: line.to, fields});
    else strange.push(line);
  }
  return {elements, strange};
}

/**
 * Samples (iproute2 6.1.0; `family` where `ip -6` was asked: a default route without a gateway does not tell):
 * ```
 * default via 192.168.77.254 dev ens5 proto dhcp metric 100
 * 10.88.2.0/24 via 10.88.2.0 dev flannel.1 onlink
 * blackhole 10.88.9.0/24
 * 10.9.0.0/16 proto bird metric 32
 * 	nexthop via 10.0.0.2 dev eth0 weight 1
 * ```
 */
export function routeElements(out: Uint8Array, family?: 4 | 6): Entries {
  return entries(out, (text, last) => {
    const hop = /^\s+nexthop (.*)$/.exec(text)?.[1];
    if (hop !== undefined && last) {
      const fields = last.fields as Record<string, unknown>;
      fields['nexthops'] = [...((fields['nexthops'] as unknown[] | undefined) ?? []), hopFields(hop)];
      return 'last';
    }
    const plainRow = ROUTE_N.exec(text);
    if (plainRow) return plainRow[1] === undefined ? 'last' : routeNFields(plainRow);
    const match = ROUTE.exec(text);
    if (!match) return undefined;
    const [, type, typed, more, plain, rest = more ?? ''] = match;
    const dst = typed ?? plain;
    const fields: Record<string, unknown> = {...hopFields(rest), type: type ?? 'unicast', dst};
    put(fields, 'table', after(rest, 'table'));
    put(fields, 'protocol', after(rest, 'proto'));
    put(fields, 'scope', after(rest, 'scope'));
    put(fields, 'prefsrc', after(rest, 'src'));
    putNumber(fields, 'metric', after(rest, 'metric'));
    put(fields, 'pref', after(rest, 'pref') ?? (family === 6 ? 'medium' : undefined));
    const mtu = after(rest, 'mtu');
    if (mtu !== undefined) fields['metrics'] = [{mtu: Number(mtu)}];
    return fields;
  });
}

/** Sample (net-tools 2.10): `10.88.2.0       10.88.2.0       255.255.255.0   UG    0      0        0 flannel.1`; main table only. */
function routeNFields([, dst, gateway, mask, flags, rest, dev]: RegExpExecArray): Record<string, unknown> {
  const bits = mask!
    .split('.')
    .map(byte => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  const length = bits.replaceAll('0', '').length;
  const fields: Record<string, unknown> = {
    type: flags!.includes('!') ? 'unreachable' : 'unicast',
    dst: length === 0 ? 'default' : `${dst}/${length}`,
    dev,
    flags: [],
    scope: flags!.includes('G') ? 'global' : 'link',
  };
  if (flags!.includes('G')) fields['gateway'] = gateway;
  const [metric] = rest!.trim().split(/\s+/);
  if (Number(metric) > 0) putNumber(fields, 'metric', metric);
  return fields;
}

function hopFields(text: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    flags: ['onlink', 'linkdown', 'dead', 'pervasive', 'offload', 'trap'].filter(flag =>
      new RegExp(`(^| )${flag}( |$)`).test(text),
    ),
  };
  // By way of a neighbour of the other family: `via inet6 fe80::1`.
  const [, , via] = /(?:^| )via (inet6? )?(\S+)/.exec(text) ?? [];
  put(fields, 'gateway', via);
  put(fields, 'dev', after(text, 'dev'));
  putNumber(fields, 'weight', after(text, 'weight'));
  return fields;
}

/**
 * Samples: `10.88.2.0 dev flannel.1 lladdr 62:8a:67:03:46:c3 PERMANENT`, with `-s` also `used 47/47/29 probes 4`; of
 * `arp -an` (net-tools 2.10): `? (192.0.2.1) at 02:fc:00:00:00:05 [ether] on eth0`.
 */
export function neighbourElements(out: Uint8Array): Entries {
  return entries(out, text => {
    const arp = ARP.exec(text);
    if (arp) {
      const [, dst, mac, marks, dev] = arp as unknown as [string, string, string, string, string];
      const known = /^[0-9a-f]{2}:/i.test(mac);
      // `arp` tells a permanent entry and one without an answer from the rest; how fresh the rest are it does not.
      const state = /\bPERM\b/.test(marks) ? ['PERMANENT'] : known ? [] : ['INCOMPLETE'];
      return {dst, dev, state, ...(known && {lladdr: mac.toLowerCase()})};
    }
    const match = NEIGHBOUR.exec(text);
    if (!match) return undefined;
    const [, dst, dev, rest] = match as unknown as [string, string, string, string];
    const words = rest.trim().split(/\s+/);
    const fields: Record<string, unknown> = {dst, dev, state: words.filter(word => /^[A-Z]+$/.test(word))};
    put(fields, 'lladdr', after(rest, 'lladdr'));
    for (const mark of ['router', 'proxy']) if (words.includes(mark)) fields[mark] = null;
    return fields;
  });
}

/** Samples: `0:	from all lookup local`, `100:	not from 10.1.0.0/16 fwmark 0x4000/0x4000 lookup 200`, `101:	from all iif lo unreachable`. */
export function ruleElements(out: Uint8Array): Entries {
  return entries(out, text => {
    const match = RULE.exec(text);
    if (!match) return undefined;
    const [, priority, not, src, rest] = match as unknown as [
      string,
      string,
      string | undefined,
      string,
      string,
    ];
    const fields: Record<string, unknown> = {priority: Number(priority), ...selector('src', src)};
    if (not !== undefined) fields['not'] = null;
    const to = after(rest, 'to');
    if (to !== undefined) Object.assign(fields, selector('dst', to));
    for (const key of ['iif', 'oif']) put(fields, key, after(rest, key));
    const [mark, mask] = after(rest, 'fwmark')?.split('/') ?? [];
    put(fields, 'fwmark', mark);
    put(fields, 'fwmask', mask);
    put(fields, 'table', after(rest, 'lookup'));
    put(fields, 'action', /(?:^| )(blackhole|unreachable|prohibit)(?: |$)/.exec(rest)?.[1]);
    putNumber(fields, 'goto', after(rest, 'goto'));
    if (/(?:^| )nop(?: |$)/.test(rest)) fields['nop'] = null;
    return fields;
  });
}

function selector(key: string, text: string): Record<string, unknown> {
  const [address, length] = text.split('/');
  return {[key]: address, ...(length !== undefined && {[`${key}len`]: Number(length)})};
}

/** Sample: `32:9d:6b:1e:47:65 dev flannel.1 dst 192.168.77.13 self permanent`; a learned entry has no word for it. */
export function fdbElements(out: Uint8Array): Entries {
  return entries(out, text => {
    const match = FDB.exec(text);
    if (!match) return undefined;
    const [, mac, dev, rest] = match as unknown as [string, string, string, string];
    const words = rest.trim().split(/\s+/);
    const fields: Record<string, unknown> = {
      mac,
      ifname: dev,
      flags: ['self', 'extern_learn', 'offload', 'router', 'sticky'].filter(flag => words.includes(flag)),
    };
    put(fields, 'dst', after(rest, 'dst'));
    put(fields, 'master', after(rest, 'master'));
    put(fields, 'viaIf', after(rest, 'via'));
    for (const key of ['vlan', 'vni', 'port']) putNumber(fields, key, after(rest, key));
    put(
      fields,
      'state',
      ['permanent', 'static', 'stale'].find(state => words.includes(state)),
    );
    return fields;
  });
}
