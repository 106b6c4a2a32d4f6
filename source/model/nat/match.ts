import type {Match} from '../../facts/netfilter/ruleset.ts';
import type {Namespace} from '../graph.ts';
import {holds} from '../prefixes.ts';
import {isLoopbackText} from '../words.ts';
import type {Packet} from './packet.ts';

/** Whether a match holds; a number is the chance with which it does. */
export type Held = 'yes' | 'no' | 'unknown' | number;

/** Is an address one of the namespace's own: what the kernel's `local` table says. */
export function isLocal(namespace: Namespace, address: string): boolean {
  return (
    isLoopbackText(address) ||
    namespace.interfaces.some(({addresses}) => addresses.some(one => one.address === address))
  );
}

/**
 * Does one match hold for the first packet of a connection? Sources: `iptables-extensions(8)`, `nft(8)`. What is not
 * known of the packet (a port, a device) makes the answer unknown, not no.
 */
export function held(namespace: Namespace, match: Match, packet: Packet): Held {
  const plain = bare(namespace, match, packet);
  if (!match.not || plain === 'unknown') return plain;
  return plain === 'yes' ? 'no' : plain === 'no' ? 'yes' : 1 - plain;
}

function bare(namespace: Namespace, match: Match, packet: Packet): Held {
  switch (match.is) {
    case 'source':
      return yes(match.prefixes.some(prefix => within(prefix, packet.source)));
    case 'destination':
      return yes(match.prefixes.some(prefix => within(prefix, packet.destination)));
    case 'protocol':
      return yes(match.protocols.includes(packet.protocol));
    case 'source-port':
      return port(match.ranges, packet.sourcePort);
    case 'destination-port':
      return port(match.ranges, packet.destinationPort);
    case 'in':
      return device(match.device, packet.in);
    case 'out':
      return packet.out === undefined ? 'unknown' : device(match.device, packet.out);
    case 'mark':
      return yes((packet.mark & match.mask) >>> 0 === match.value);
    case 'address-type': {
      const address = match.of === 'source' ? packet.source : packet.destination;
      const local = isLocal(namespace, address);
      if (match.type === 'LOCAL') return yes(local);
      // What is neither local, broadcast nor multicast is unicast; of broadcasts the addresses alone do not tell.
      return match.type === 'UNICAST' && local ? 'no' : 'unknown';
    }
    case 'own-address': {
      const device = match.of === 'in' ? packet.in : packet.out;
      const addresses = device === undefined ? undefined : namespace.byName.get(device)?.addresses;
      return addresses ? yes(addresses.some(({address}) => address === packet.destination)) : 'unknown';
    }
    case 'state': {
      // RELATED and INVALID packets are not asked about.
      const {tracked = ['NEW']} = packet;
      if (match.states.some(state => tracked.includes(state))) return 'yes';
      return match.states.every(state => STATES.has(state)) ? 'no' : 'unknown';
    }
    case 'chance':
      return match.probability >= 1 ? 'yes' : match.probability;
    case 'set':
    case 'other':
      return 'unknown';
  }
}

/** What `--ctstate` may name (`iptables-extensions(8)`). */
const STATES = new Set(['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT']);

function yes(it: boolean): Held {
  return it ? 'yes' : 'no';
}

function port(ranges: readonly (readonly [number, number])[], value: number | undefined): Held {
  if (value === undefined) return 'unknown';
  return yes(ranges.some(([from, to]) => value >= from && value <= to));
}

function device(pattern: string, name: string | undefined): Held {
  if (name === undefined) return 'no';
  return yes(pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
}

/** Most rules of a service are about one host: its text is compared before anything is parsed. */
function within(prefix: string, address: string): boolean {
  if (prefix.endsWith('/32') || prefix.endsWith('/128'))
    return prefix.slice(0, prefix.lastIndexOf('/')) === address;
  return holds(prefix, address);
}
