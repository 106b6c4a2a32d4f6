import type {Element, Fields} from '../elements.ts';
import {type Line, linesOf} from '../lines.ts';

type Open = {-readonly [K in keyof Element]: Element[K]} & {fields: Record<string, unknown>};

/** `2: ens5@if3: <BROADCAST,UP> mtu 1500 … state UP … qlen 1000`; the index is followed by the name and its lower device. */
export const LINK_HEADING = /^(\d+): (\S+?)(?:@([^\s@]+))?: <([^>]*)> (.*)$/;

const NUMBERED = new Set(['mtu', 'qlen', 'promiscuity', 'minmtu', 'maxmtu']);
/** Words in the heading that are followed by one value, and the key that `ip -j` gives it. */
const PAIRS: Readonly<Record<string, string>> = {
  mtu: 'mtu',
  qdisc: 'qdisc',
  master: 'master',
  state: 'operstate',
  qlen: 'txqlen',
};
/** Kinds that `ip -d` names at the beginning of the line under the hardware address. */
const KINDS =
  /^(veth|bridge|vxlan|vlan|macvlan|macvtap|ipvlan|ipvtap|bond|dummy|ifb|ipip|sit|gre|gretap|erspan|ip6tnl|ip6gre|ip6gretap|vti|vti6|geneve|wireguard|vrf|tun|team|netkit|nlmon|xfrm|openvswitch|netdevsim|macsec|can|vcan|bareudp|hsr)\b ?(.*)$/;

/**
 * Interfaces of `ip link` or `ip addr` as text (with `-d` their kind, with `-s` their counters), in the shape of
 * `ip -j`. Sample (iproute2 6.1.0, `ip -d -s addr`):
 * ```
 * 10: veth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP group default qlen 1000
 *     link/ether 42:1b:21:31:b9:b6 brd ff:ff:ff:ff:ff:ff link-netnsid 1 promiscuity 1
 *     veth
 *     inet 10.0.0.1/24 brd 10.0.0.255 scope global veth0
 *     RX:  bytes packets errors dropped  missed   mcast
 *           1396      20      0       0       0       0
 * ```
 */
export function linkElements(out: Uint8Array): {elements: readonly Element[]; strange: readonly Line[]} {
  const elements: Open[] = [];
  const strange: Line[] = [];
  let counts: {readonly side: string; readonly keys: readonly string[]} | undefined;
  for (const line of linesOf(out)) {
    const heading = LINK_HEADING.exec(line.text);
    if (heading) {
      elements.push({from: line.from, to: line.to, fields: headingFields(heading)});
      counts = undefined;
      continue;
    }
    const element = elements.at(-1);
    const text = line.text.trim();
    if (text === '') continue;
    if (!element || !/^\s/.test(line.text)) {
      strange.push(line);
      continue;
    }
    element.to = line.to;
    const {fields} = element;
    const head = /^(RX|TX): +(bytes .*)$/.exec(text);
    if (head) counts = {side: head[1]!.toLowerCase(), keys: head[2]!.trim().split(/\s+/)};
    else if (counts && /^[\d ]+$/.test(text)) {
      const values = text.split(/\s+/).map(Number);
      const stats = (fields['stats64'] ?? {}) as Record<string, unknown>;
      stats[counts.side] = Object.fromEntries(counts.keys.map((key, i) => [key, values[i]]));
      fields['stats64'] = stats;
      counts = undefined;
    } else takeLine(fields, text);
  }
  return {elements, strange};
}

function headingFields([, index, name, lower, flags, rest]: RegExpExecArray): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    ifindex: Number(index),
    ifname: name,
    flags: flags!.split(',').filter(flag => flag !== ''),
    addr_info: [],
  };
  const elsewhere = /^if(\d+)$/.exec(lower ?? '')?.[1];
  if (elsewhere !== undefined) fields['link_index'] = Number(elsewhere);
  else if (lower !== undefined && lower !== 'NONE') fields['link'] = lower;
  const words = rest!.trim().split(/\s+/);
  for (let i = 0; i + 1 < words.length; i += 1) {
    const key = Object.hasOwn(PAIRS, words[i]!) ? PAIRS[words[i]!]! : undefined;
    if (key !== undefined) fields[key] = NUMBERED.has(words[i]!) ? Number(words[i + 1]) : words[i + 1];
  }
  return fields;
}

function takeLine(fields: Record<string, unknown>, text: string): void {
  const hardware = /^link\/(\S+)(?: (\S+))?(.*)$/.exec(text);
  if (hardware) {
    fields['link_type'] = hardware[1];
    if (hardware[2] !== undefined) fields['address'] = hardware[2];
    // Only `ip -d` says this, and only with it is a missing kind a physical device.
    const promiscuity = /\bpromiscuity (\d+)/.exec(hardware[3]!)?.[1];
    if (promiscuity !== undefined) fields['promiscuity'] = Number(promiscuity);
    const nsid = /\blink-netnsid (\d+)/.exec(hardware[3]!)?.[1];
    if (nsid !== undefined) fields['link_netnsid'] = Number(nsid);
    const netns = /\blink-netns (\S+)/.exec(hardware[3]!)?.[1];
    if (netns !== undefined) fields['link_netns'] = netns;
    return;
  }
  const inet = /^(inet6?) (\S+?)(?:\/(\d+))?(?: peer (\S+?)(?:\/(\d+))?)?(?: (.*))?$/.exec(text);
  if (inet) {
    const [, family, local, length, peer, peerLength, rest = ''] = inet;
    const info: Record<string, unknown> = {family, local, scope: /\bscope (\S+)/.exec(rest)?.[1] ?? 'global'};
    const prefix = peer === undefined ? length : (peerLength ?? length);
    if (prefix !== undefined) info['prefixlen'] = Number(prefix);
    if (peer !== undefined) info['address'] = peer;
    const broadcast = /\bbrd (\S+)/.exec(rest)?.[1];
    if (broadcast !== undefined) info['broadcast'] = broadcast;
    (fields['addr_info'] as unknown[]).push(info);
    return;
  }
  const alias = /^alias (.*)$/.exec(text)?.[1];
  if (alias !== undefined) fields['ifalias'] = alias;
  const kind = KINDS.exec(text);
  if (kind && fields['linkinfo'] === undefined) {
    const data = kind[1] === 'vxlan' ? vxlanData(kind[2]!) : {};
    fields['linkinfo'] = {info_kind: kind[1], info_data: data};
  }
}

/** `id 1 local 192.168.77.11 dev ens5 srcport 0 0 dstport 8472 nolearning …`; `external` stands in the place of the id. */
function vxlanData(text: string): Fields {
  const word = (name: string) => new RegExp(`\\b${name} (\\S+)`).exec(text)?.[1];
  const data: Record<string, unknown> = {learning: !/\bnolearning\b/.test(text)};
  for (const key of ['local', 'group', 'remote']) {
    const value = word(key);
    if (value !== undefined) data[value.includes(':') ? `${key}6` : key] = value;
  }
  const [id, port, lower] = [word('id'), word('dstport'), word('dev')];
  if (id !== undefined) data['id'] = Number(id);
  if (port !== undefined) data['port'] = Number(port);
  if (lower !== undefined) data['link'] = lower;
  if (/\bexternal\b/.test(text)) data['external'] = true;
  return data;
}
