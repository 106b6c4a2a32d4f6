import type {Neighbour} from '../../facts/neighbours.ts';
import type {Grade, Interface} from '../graph.ts';
import {type Clue, evidenceOf} from './hop.ts';

/** Who the next hop is on a link (ARP, NDP). */
export type Resolved = {
  readonly mac: string | undefined;
  readonly clues: readonly Clue[];
  readonly grade: Grade;
  /** A sentence when the entry forbids sending. */
  readonly broken?: string;
  readonly doubt?: string;
  /** The entry is good without asking again (NUD_CONNECTED). */
  readonly isConnected?: boolean;
};

/** Devices that ask nobody: no MAC addresses, or none needed. */
export function asksNobody({link}: Interface): boolean {
  return link.flags.includes('NOARP') || link.flags.includes('LOOPBACK') || link.mac === undefined;
}

export function resolveNeighbour(iface: Interface, next: string): Resolved {
  if (asksNobody(iface)) return {mac: undefined, clues: [], grade: 'proven'};
  const {namespace, link} = iface;
  const read = namespace.facts?.neighbours;
  if (!read) return {mac: undefined, clues: [], grade: 'unknown', doubt: 'its neighbours were not read'};
  const entry = read.value.find(one => one.dst === next && one.dev === link.name && !one.proxy);
  if (!entry) {
    return {
      mac: undefined,
      clues: [],
      grade: 'inferred',
      doubt: `no neighbour entry for ${next} on ${link.name}: it will be asked for first`,
    };
  }
  const clue: Clue = {
    by: 'neighbour',
    text: neighbourText(entry),
    evidence: evidenceOf(namespace, 'network', read, entry),
  };
  if (entry.state.includes('FAILED') || (entry.state.includes('INCOMPLETE') && entry.mac === undefined)) {
    const asked = entry.state.includes('FAILED')
      ? 'nobody answered when it was last asked for'
      : 'it is asked for and nobody has answered yet';
    return {
      mac: undefined,
      clues: [clue],
      // The next packet asks again.
      grade: 'inferred',
      broken: `the neighbour ${next} on ${link.name} is ${entry.state.join(' ')}: ${asked}`,
    };
  }
  const isConnected = entry.state.some(state => CONNECTED.has(state));
  return {mac: entry.mac, clues: [clue], grade: 'proven', isConnected};
}

const CONNECTED = new Set(['PERMANENT', 'NOARP', 'REACHABLE']);

/** As `ip neigh` prints it. */
function neighbourText({dst, dev, mac, state}: Neighbour): string {
  return [dst, 'dev', dev, ...(mac === undefined ? [] : ['lladdr', mac]), ...state].join(' ');
}
