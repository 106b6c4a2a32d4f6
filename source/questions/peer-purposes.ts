import {HEALTH_PORT, roleText} from '../cni/cilium-health.ts';
import {isKnownPort, type Purpose, purposeOf} from '../cni/purposes.ts';
import type {Graph} from '../model/graph.ts';
import type {PeerRow} from './peer-rows.ts';

type Told = Pick<PeerRow, 'role' | 'purposes'>;

/** What a peer's address is, and what the ports between the two are for, as far as plugins and Kubernetes tell. */
export function toldOf(graph: Graph, peer: Omit<PeerRow, keyof Told>): Told {
  const ports = peer.ports.flatMap(portOf).filter(({protocol, port}) => isKnownPort(protocol, port));
  if (ports.length === 0) return {role: undefined, purposes: []};
  const health = ports.some(({port}) => port === HEALTH_PORT);
  const role = health && peer.node === undefined ? roleOfAny(graph, peer.addresses) : undefined;
  const found = ports.flatMap(({protocol, port}) => purposesOf(peer, role, protocol, port));
  return {role, purposes: [...new Set(found.map(({fact}) => fact.key))]};
}

function roleOfAny(graph: Graph, addresses: readonly string[]): string | undefined {
  return addresses.map(address => roleText(graph, address)).find(text => text !== undefined);
}

/** Of the side that listens: this one where the peer calls, the peer's where this one does. */
function purposesOf(
  {direction, locals, program, kind}: Omit<PeerRow, keyof Told>,
  role: string | undefined,
  protocol: 'tcp' | 'udp',
  port: number,
): Purpose[] {
  const mine = locals.map(text => text.slice(text.indexOf('/') + 1));
  const at = port !== HEALTH_PORT ? undefined : 'node';
  const theirs = role?.includes('endpoint') || kind === 'netns' ? 'endpoint' : at;
  const served = direction === 'out' ? [] : mine.map(name => purposeOf({protocol, port, at, program: name}));
  const called =
    direction === 'in'
      ? []
      : program === undefined
        ? mine.map(caller => purposeOf({protocol, port, at: at && theirs, caller}))
        : [purposeOf({protocol, port, at: at && theirs, program})];
  return [...served, ...called].filter(purpose => purpose !== undefined);
}

/** `tcp/4240`; one that is not clear (`tcp/4240→40000`) is left out. */
function portOf(text: string): {protocol: 'tcp' | 'udp'; port: number}[] {
  const [, protocol, port] = /^(tcp|udp)\/(\d+)$/.exec(text) ?? [];
  return protocol === 'tcp' || protocol === 'udp' ? [{protocol, port: Number(port)}] : [];
}
