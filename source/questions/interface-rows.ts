import * as v from 'valibot';
import type {Address} from '../facts/addresses.ts';
import type {Graph, Interface} from '../model/graph.ts';
import {asOf} from '../model/unread.ts';
import {interfaceWords} from './names.ts';
import type {EvidenceRow} from './schema.ts';
import {Counters, count, Evidence, flag, Grade, list, maybe, Rates, text} from './schema.ts';

const Inet = v.object({
  address: text('The address.'),
  prefix: count('Prefix length.'),
  netmask: maybe.text('IPv4 only: the prefix as a mask.'),
  broadcast: maybe.text('Broadcast address.'),
  peer: maybe.text('Other end of a point-to-point address.'),
  scope: text('As ip prints it: global, link, host.'),
});

/** An interface named from elsewhere. */
export const InterfaceRef = v.object({
  words: text('What `hoptop link` takes.'),
  node: text('Node, by name.'),
  netns: text('Inode of its network namespace.'),
  name: text('Its name.'),
  ifindex: count('Its index.'),
  pods: list(v.string()),
});
export type InterfaceRef = v.InferOutput<typeof InterfaceRef>;

export const PairRow = v.object({
  relation: v.picklist(['peer', 'lower']),
  grade: Grade,
  why: text('What that rests on.'),
  candidates: list(InterfaceRef),
});
export type PairRow = v.InferOutput<typeof PairRow>;

export const InterfaceRow = v.object({
  words: text('What `hoptop link` takes.'),
  node: text('Node, by name.'),
  asOf: maybe.text('Moment it was read, when its node is not reached now.'),
  netns: text('Inode of its network namespace.'),
  place: v.picklist(['host', 'pod', 'other']),
  pods: v.pipe(list(v.string()), v.description('Pods whose namespace it is in.')),
  name: text('Its name.'),
  ifindex: count('Its index.'),
  kind: maybe.text('veth, bridge, vxlan, …; absent for a physical device.'),
  mtu: count('Bytes.'),
  state: text('Operational state, in capitals.'),
  flags: list(v.string()),
  mac: maybe.text('Hardware address.'),
  txqlen: maybe.count('Length of the transmit queue.'),
  qdisc: maybe.text('Queueing discipline.'),
  master: maybe.text('Bridge, bond or VRF it is enslaved to.'),
  inet: list(Inet),
  inet6: list(Inet),
  vxlan: v.optional(
    v.object({
      id: count('VNI.'),
      port: count('UDP port.'),
      local: maybe.text('Address that tunnels start at.'),
      lower: maybe.text('Interface that tunnels leave by.'),
      learning: flag('Learns where MAC addresses are from what it receives.'),
    }),
  ),
  counters: v.optional(Counters),
  rates: Rates,
  changed: v.pipe(list(v.string()), v.description('Keys whose value differs from the sweep before.')),
  pair: v.optional(PairRow),
  behind: v.pipe(list(v.string()), v.description('Pods at the other end of the pair.')),
  evidence: list(Evidence),
});
export type InterfaceRow = v.InferOutput<typeof InterfaceRow>;

export function interfaceRow(graph: Graph, iface: Interface): InterfaceRow {
  const {link, namespace, addresses} = iface;
  const pair = graph.pairs.get(iface);
  const inet = (family: 4 | 6) => addresses.filter(address => address.family === family).map(inetRow);
  return {
    words: interfaceWords(iface),
    node: namespace.node.name,
    asOf: asOf(namespace.node),
    netns: namespace.inode,
    place: namespace.kind,
    pods: namespace.pods.map(pod => pod.key),
    name: link.name,
    ifindex: link.ifindex,
    kind: link.kind,
    mtu: link.mtu,
    state: link.state,
    flags: link.flags,
    mac: link.mac,
    txqlen: link.txqlen,
    qdisc: link.qdisc,
    master: link.master,
    inet: inet(4),
    inet6: inet(6),
    vxlan: link.vxlan && {
      id: link.vxlan.id,
      port: link.vxlan.port,
      local: link.vxlan.local,
      lower: link.vxlan.lower,
      learning: link.vxlan.learning,
    },
    counters: iface.counters,
    rates: iface.rates,
    changed: iface.changed,
    pair: pair && {
      relation: pair.relation,
      grade: pair.grade,
      why: pair.why,
      candidates: pair.candidates.map(interfaceRef),
    },
    behind: behind(graph, iface),
    evidence: networkEvidence(iface, link),
  };
}

export function interfaceRef(iface: Interface): InterfaceRef {
  const {namespace, link} = iface;
  return {
    words: interfaceWords(iface),
    node: namespace.node.name,
    netns: namespace.inode,
    name: link.name,
    ifindex: link.ifindex,
    pods: namespace.pods.map(pod => pod.key),
  };
}

/** The one interface at the other end of a pair; undefined when there is none or more than one. */
export function peerOf(graph: Graph, iface: Interface): Interface | undefined {
  const pair = graph.pairs.get(iface);
  return pair?.relation === 'peer' && pair.candidates.length === 1 ? pair.candidates[0] : undefined;
}

function behind(graph: Graph, iface: Interface): string[] {
  const other = peerOf(graph, iface);
  return other && other.namespace.kind === 'pod' ? other.namespace.pods.map(pod => pod.key) : [];
}

/** Interfaces, addresses, routes and neighbours of a namespace are one read: `network`. */
export function networkEvidence(iface: Interface, span: {from: number; to: number}): EvidenceRow[] {
  const {namespace} = iface;
  return [
    {
      node: namespace.node.id,
      fact: 'network',
      netns: namespace.inode,
      sweep: namespace.facts?.links?.sweep ?? 0,
      from: span.from,
      to: span.to,
    },
  ];
}

function inetRow(address: Address): v.InferOutput<typeof Inet> {
  return {
    address: address.address,
    prefix: address.prefix,
    netmask: address.family === 4 ? netmask(address.prefix) : undefined,
    broadcast: address.broadcast,
    peer: address.peer,
    scope: address.scope,
  };
}

function netmask(prefix: number): string {
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map(shift => (mask >>> shift) & 255).join('.');
}
