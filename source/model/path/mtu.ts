import type {Hop, Way} from './hop.ts';

/** How large a packet of the first sender may be, as it passes each hop. */
export type Fit = {
  /** What the sender takes as a full-size packet: the MTU of the interface, or route, that it leaves by first. */
  readonly full: number;
  /** The hop with the least room, and how much. */
  readonly narrowest: {readonly hop: Hop; readonly room: number} | undefined;
  readonly fits: boolean;
};

/** Bytes that what is wrapped around the packet takes at a hop. */
export function overheadOf({layers}: Hop): number {
  return layers.reduce((sum, {overhead}) => sum + overhead, 0);
}

/** MTU that applies where a packet crosses an interface; undefined where none does. */
export function mtuOf({iface, way, routeMtu}: Hop): number | undefined {
  if (!iface || iface.link.flags.includes('LOOPBACK'))
    return iface && way === 'out' ? iface.link.mtu : undefined;
  if (way !== 'out' && way !== 'in') return undefined;
  return routeMtu === undefined ? iface.link.mtu : Math.min(routeMtu, iface.link.mtu);
}

/**
 * Room for the sender's packet at a hop: MTU less what is wrapped around it. A bridge and a tunnel take in what their
 * ports and carriers let through, whatever their own MTU; the receiving end of a veth or of a wire drops what is longer.
 */
export function roomAt(hop: Hop): number | undefined {
  const mtu = mtuOf(hop);
  if (mtu === undefined || hop.iface!.link.mtu === 0) return undefined;
  if (hop.way === 'in' && (hop.iface!.link.kind === 'bridge' || UNWRAPPING.has(hop.iface!.link.kind ?? '')))
    return undefined;
  return mtu - overheadOf(hop);
}

const UNWRAPPING = new Set([
  'vxlan',
  'geneve',
  'ipip',
  'sit',
  'ip6tnl',
  'gre',
  'ip6gre',
  'gretap',
  'ip6gretap',
]);

/** Undefined where the way has no interface at all. */
export function fitOf({hops}: Way): Fit | undefined {
  const rooms = hops.flatMap(hop => {
    const room = roomAt(hop);
    return room === undefined ? [] : [{hop, room}];
  });
  const [first] = rooms;
  if (!first) return undefined;
  const narrowest = rooms.reduce((least, one) => (one.room < least.room ? one : least), first);
  return {full: first.room, narrowest, fits: narrowest.room >= first.room};
}
