import * as v from 'valibot';
import type {Graph} from '../model/graph.ts';
import type {Hop, Way} from '../model/path/hop.ts';
import {fitOf, mtuOf, overheadOf, roomAt} from '../model/path/mtu.ts';
import {packetText} from '../model/path/packet.ts';
import {gradeOf} from '../model/path/walk.ts';
import {asOf} from '../model/unread.ts';
import {interfaceWords, namespaceWords} from './names.ts';
import {Counters, count, Evidence, flag, Grade, list, maybe, Rates, text} from './schema.ts';

const ClueRow = v.object({
  by: v.picklist([
    'rule',
    'route',
    'neighbour',
    'fdb',
    'pair',
    'link',
    'address',
    'setting',
    'tunnel',
    'translation',
    'fabric',
  ]),
  text: text('The line as its tool prints it, or a sentence.'),
  evidence: list(Evidence),
});

export const HopRow = v.object({
  way: v.pipe(
    v.picklist(['out', 'in', 'through', 'fabric', 'end']),
    v.description(
      'out and in: it crosses an interface. through: a bridge hands it on. fabric: between nodes, not read. end: delivered or lost here.',
    ),
  ),
  status: v.picklist(['ok', 'broken', 'unknown']),
  say: text('What happens here.'),
  node: maybe.text('Node, by name.'),
  asOf: maybe.text('Moment it was read, when its node is not reached now.'),
  place: maybe.text('Its namespace: the node’s name, a pod, or NODE/INODE.'),
  pods: list(v.string()),
  netns: maybe.text('Inode of the network namespace.'),
  link: maybe.text('What `hoptop link` takes.'),
  name: maybe.text('Name of the interface.'),
  kind: maybe.text('Its kind.'),
  state: maybe.text('Its operational state.'),
  clues: v.pipe(list(ClueRow), v.description('What decided it.')),
  grade: Grade,
  reveal: maybe.text('What would tell, where the tables cannot.'),
  packet: text('The outermost packet here.'),
  layers: list(
    v.object({
      kind: text('vxlan, geneve, ipip, gre, vlan, …'),
      id: v.optional(v.union([v.number(), v.string()])),
      port: maybe.count('UDP port.'),
      overhead: count('Bytes it takes from the MTU.'),
      device: text('The device that wrapped it.'),
    }),
  ),
  mtu: maybe.count('MTU that applies here.'),
  overhead: count('Bytes of all that is wrapped around the packet here.'),
  room: maybe.count('What is left of the MTU for the packet itself.'),
  counters: v.optional(Counters),
  rates: v.optional(Rates),
});
export type HopRow = v.InferOutput<typeof HopRow>;

export const WayRow = v.object({
  outcome: v.pipe(
    v.picklist(['delivered', 'broken', 'unknown', 'left']),
    v.description('left: it goes where no node was read, since its destination is there.'),
  ),
  share: maybe.count('Share of connections that take it, 0 to 1; absent where that is not known.'),
  choices: v.pipe(
    list(v.string()),
    v.description('What was chosen on the way that could have been otherwise.'),
  ),
  grade: Grade,
  sent: text('The packet as it is sent.'),
  arrives: text('The packet as it arrives.'),
  hops: list(HopRow),
  mtu: v.optional(
    v.object({
      full: count('A full-size packet of the sender.'),
      room: count('Room at the narrowest hop.'),
      hop: count('Which hop that is, from 0.'),
      fits: flag('A full-size packet fits everywhere.'),
    }),
  ),
});
export type WayRow = v.InferOutput<typeof WayRow>;

export function wayRow(_graph: Graph, way: Way): WayRow {
  const fit = fitOf(way);
  return {
    outcome: way.outcome,
    share: way.share,
    choices: way.choices,
    grade: gradeOf(way),
    sent: packetText(way.hops[0]?.packet ?? way.packet),
    arrives: packetText(way.packet),
    hops: way.hops.map(hopRow),
    mtu: fit?.narrowest && {
      full: fit.full,
      room: fit.narrowest.room,
      hop: way.hops.indexOf(fit.narrowest.hop),
      fits: fit.fits,
    },
  };
}

function hopRow(hop: Hop): HopRow {
  const {iface, namespace} = hop;
  return {
    way: hop.way,
    status: hop.status,
    say: hop.say,
    node: hop.node?.name,
    asOf: hop.node && asOf(hop.node),
    place: namespace && namespaceWords(namespace),
    pods: namespace?.pods.map(pod => pod.key) ?? [],
    netns: namespace?.inode,
    link: iface && interfaceWords(iface),
    name: iface?.link.name,
    kind: iface?.link.kind,
    state: iface?.link.state,
    clues: hop.clues.map(({by, text: said, evidence}) => ({by, text: said, evidence: [...evidence]})),
    grade: hop.grade,
    reveal: hop.reveal,
    packet: packetText(hop.packet),
    layers: hop.layers.map(({kind, id, port, overhead, device}) => ({
      kind,
      id,
      port,
      overhead,
      device: device.link.name,
    })),
    mtu: mtuOf(hop),
    overhead: overheadOf(hop),
    room: roomAt(hop),
    counters: iface?.counters,
    rates: iface?.rates,
  };
}
