import type {Address} from '../../facts/addresses.ts';
import type {Interface, Namespace} from '../graph.ts';
import {type Words, wordsOf} from '../words.ts';
import type {Verdict} from './lookup.ts';
import type {Packet} from './packet.ts';
import {within} from './tables.ts';

/**
 * The source address that the kernel gives a packet that has none: the route's preferred one, else one of the device
 * that it leaves by (`inet_select_addr`; for IPv6 RFC 6724, as far as scope and longest common prefix).
 */
export function chooseSource(namespace: Namespace, verdict: Verdict, packet: Packet): string | undefined {
  const {route, hops} = verdict;
  if (route?.prefsrc !== undefined) return route.prefsrc;
  if (verdict.type === 'local') return packet.destination;
  const device = hops[0]?.dev === undefined ? undefined : namespace.byName.get(hops[0].dev);
  const via = hops[0]?.via ?? packet.destination;
  const own = device ? ofInterface(device, packet.family) : [];
  const others = [...namespace.interfaces]
    .sort((a, b) => a.link.ifindex - b.link.ifindex)
    .filter(iface => iface !== device)
    .flatMap(iface => ofInterface(iface, packet.family));
  return packet.family === 4
    ? (select4(own, via) ?? firstGlobal(others))
    : (select6(own, packet.destination) ?? select6(others, packet.destination));
}

function ofInterface(iface: Interface, family: 4 | 6): readonly Address[] {
  return iface.addresses.filter(address => address.family === family);
}

/** One in the subnet of the next hop is preferred, else the first that may be used beyond the link. */
function select4(addresses: readonly Address[], via: string): string | undefined {
  const usable = addresses.filter(address => address.scope !== 'host');
  const words = wordsOf(via);
  const near = words && usable.find(address => within(words, networkOf(address)));
  return (near ?? usable.find(address => address.scope === 'global') ?? usable[0])?.address;
}

/** Where the device has none the first one of any other counts, in the order of their indexes. */
function firstGlobal(addresses: readonly Address[]): string | undefined {
  return addresses.find(({scope}) => scope === 'global')?.address;
}

function select6(addresses: readonly Address[], destination: string): string | undefined {
  const local = /^fe[89ab]/.test(destination);
  const scoped = addresses.filter(address => address.scope === (local ? 'link' : 'global'));
  const words = wordsOf(destination);
  const score = ({address}: Address) => (words ? common(words, wordsOf(address)) : 0);
  return [...scoped].sort((a, b) => score(b) - score(a))[0]?.address;
}

function networkOf({address, prefix, peer}: Address): string {
  return `${peer ?? address}/${prefix}`;
}

function common(a: Words, b: Words | undefined): number {
  if (!b) return 0;
  let bits = 0;
  for (let i = 0; i < 4; i += 1) {
    const differ = (a[i]! ^ b[i]!) >>> 0;
    if (differ !== 0) return bits + Math.clz32(differ);
    bits += 32;
  }
  return bits;
}
