import type {ForwardingEntry} from '../../facts/forwarding.ts';
import {familyOf} from '../../facts/prefix.ts';
import type {Grade, Interface, Namespace} from '../graph.ts';
import {bridged, fdbText} from './bridge.ts';
import {type Asked, type Clue, evidenceOf, type Layer, linkClue} from './hop.ts';
import {packetTo} from './packet.ts';
import {chose, ended, hopAt, hopIn, type Load, type State, type Trail, type World, walked} from './state.ts';

type Emitted = Extract<State, {step: 'emit'}>;

/** Bytes of an IPv4 and of an IPv6 header. */
const IP = {4: 20, 6: 40} as const;
/** Beside the outer IP header. vxlan and geneve: UDP, their own header, and the Ethernet header inside. */
const WRAPS: Readonly<Record<string, {readonly bytes: number; readonly protocol: string}>> = {
  vxlan: {bytes: 8 + 8 + 14, protocol: 'udp'},
  geneve: {bytes: 8 + 8 + 14, protocol: 'udp'},
  ipip: {bytes: 0, protocol: 'ipip'},
  sit: {bytes: 0, protocol: 'ipv6'},
  ip6tnl: {bytes: 0, protocol: 'ipv6'},
  gre: {bytes: 4, protocol: 'gre'},
  ip6gre: {bytes: 4, protocol: 'gre'},
  gretap: {bytes: 4 + 14, protocol: 'gre'},
  ip6gretap: {bytes: 4 + 14, protocol: 'gre'},
};
const GENEVE_PORT = 6081;

export function isTunnel({link}: Interface): boolean {
  return WRAPS[link.kind ?? ''] !== undefined;
}

/** Where a tunnel sends a frame: each end it may go to, with the line that says so. */
type Remote = {readonly address: string; readonly clues: readonly Clue[]; readonly choice?: string};

/** A frame leaves by a tunnel: it is wrapped, and the outer packet is sent by the namespace that the tunnel uses. */
export function wrap(world: World, state: Emitted): State[] {
  const {iface, packet, layers, mac, trail} = state;
  const {link, namespace} = iface;
  const {kind = ''} = link;
  const load = {packet, layers};
  const external = link.vxlan?.external ?? link.tunnel?.external ?? false;
  if (external) {
    const say = `${link.name} is told for each packet where to send it (collect_md), by a BPF program or Open vSwitch`;
    const reveal = `Read that agent's own tables on ${namespace.node.name}: its maps (bpftool map dump) or flows (ovs-appctl dpctl/dump-flows).`;
    return [
      ended(
        trail,
        hopAt(iface, load, {way: 'end', status: 'unknown', grade: 'unknown', say, reveal}),
        'unknown',
      ),
    ];
  }
  const remotes = kind === 'vxlan' ? vxlanRemotes(world, iface, mac) : tunnelRemotes(iface, state.next);
  if (typeof remotes === 'string') {
    const read = kind === 'vxlan' && tunnelsRead(namespace) !== undefined;
    const status = read ? 'broken' : 'unknown';
    return [
      ended(
        trail,
        hopAt(iface, load, {
          way: 'end',
          status,
          grade: read ? 'proven' : 'unknown',
          say: remotes,
          clues: [linkClue(iface, 'tunnel', tunnelText(iface))],
        }),
        status,
      ),
    ];
  }
  const under = underlay(world, iface);
  if (!under) {
    const say = `${link.name} sends by another namespace, which was not found`;
    return [
      ended(trail, hopAt(iface, load, {way: 'end', status: 'unknown', grade: 'unknown', say}), 'unknown'),
    ];
  }
  return remotes.map(({address, clues, choice}): State => {
    const wrapping = WRAPS[kind]!;
    const port = link.vxlan?.port ?? (kind === 'geneve' ? (link.tunnel?.port ?? GENEVE_PORT) : undefined);
    const id = link.vxlan?.id ?? link.tunnel?.id ?? link.tunnel?.key;
    const layer: Layer = {
      kind,
      device: iface,
      overhead: IP[familyOf(address)] + wrapping.bytes + (link.tunnel?.key === undefined ? 0 : 4),
      inner: packet,
      ...(id === undefined ? {} : {id}),
      ...(port === undefined ? {} : {port}),
      ...(mac === undefined ? {} : {innerMac: mac}),
    };
    const local = link.vxlan?.local ?? link.tunnel?.local;
    const outer = {
      ...packetTo(address, wrapping.protocol, port),
      // Inside its namespace what is wrapped around it carries the same mark.
      mark: packet.mark,
      ...(local === undefined ? {} : {source: local}),
    };
    const oif = link.vxlan?.lower ?? link.tunnel?.lower;
    return {
      step: 'send',
      namespace: under,
      packet: outer,
      layers: [...layers, layer],
      clues: [...clues, linkClue(iface, 'tunnel', tunnelText(iface))],
      trail: choice === undefined ? trail : chose(trail, choice, undefined),
      ...(oif === undefined ? {} : {oif}),
    };
  });
}

/** The namespace whose routes carry the outer packet: the one it was made in, which may not be the one it is in now. */
function underlay(world: World, iface: Interface): Namespace | undefined {
  if (iface.link.peerNsid === undefined) return iface.namespace;
  const pair = world.graph.pairs.get(iface);
  return pair?.candidates.length === 1
    ? pair.candidates[0]!.namespace
    : (iface.namespace.node.host ?? undefined);
}

const ALL_ZERO = '00:00:00:00:00:00';

/** By the FDB entry of the MAC address, else by the default ones (all zero), which are all sent to. */
function vxlanRemotes(world: World, iface: Interface, mac: string | undefined): readonly Remote[] | string {
  const {namespace, link} = iface;
  const read = tunnelsRead(namespace);
  if (!read) return `its forwarding database was not read: where ${link.name} sends is not known`;
  const own = read.value.filter(entry => entry.dev === link.name && entry.dst !== undefined);
  const clue = (entry: ForwardingEntry): Clue => ({
    by: 'fdb',
    text: fdbText(entry),
    evidence: evidenceOf(namespace, 'forwarding', read, entry),
  });
  const exact = own.filter(entry => entry.mac === mac);
  if (exact.length > 0) return remotesOf(exact.map(entry => ({address: entry.dst!, clues: [clue(entry)]})));
  const defaults = own.filter(entry => entry.mac === ALL_ZERO);
  if (defaults.length === 0) {
    return `${link.name} has no forwarding entry for ${mac ?? 'the next hop, whose MAC address is not known'}, and no default one: dropped`;
  }
  // All of them get it; the one behind which the MAC address is takes it.
  const taking = defaults.filter(entry => mac !== undefined && hasMac(world, entry.dst!, mac));
  return remotesOf(
    (taking.length > 0 ? taking : defaults).map(entry => ({address: entry.dst!, clues: [clue(entry)]})),
  );
}

/** The forwarding database, if it was read of vxlan devices as well. */
function tunnelsRead({facts}: Namespace) {
  return facts?.bridgesOnly ? undefined : facts?.forwarding;
}

function hasMac({graph}: World, address: string, mac: string): boolean {
  const nodes = new Set((graph.byAddress.get(address) ?? []).map(({node}) => node));
  return [...nodes].some(node =>
    node.namespaces.some(({interfaces}) => interfaces.some(({link}) => link.mac === mac)),
  );
}

function remotesOf(remotes: readonly Remote[]): readonly Remote[] {
  if (remotes.length === 1) return remotes;
  return remotes.map((remote, i) => ({
    ...remote,
    choice: `tunnel end ${i + 1} of ${remotes.length}: ${remote.address}`,
  }));
}

/** A fixed other end, or, on a device without one, the next hop of the route (as Calico's tunl0 is used). */
function tunnelRemotes({link}: Interface, next: string): readonly Remote[] | string {
  if (!link.tunnel) return `the ends of ${link.name} were not read: where it sends is not known`;
  return [{address: link.tunnel?.remote ?? next, clues: []}];
}

export function tunnelText({link}: Interface): string {
  const {vxlan, tunnel, kind = ''} = link;
  if (!vxlan && !tunnel) return `${link.name} ${kind}`;
  if (vxlan) {
    return `${link.name} vxlan id ${vxlan.id}${vxlan.local === undefined ? '' : ` local ${vxlan.local}`} dstport ${vxlan.port}`;
  }
  const parts = [link.name, kind];
  if (tunnel?.id !== undefined) parts.push('id', String(tunnel.id));
  parts.push('remote', tunnel?.remote ?? 'any', 'local', tunnel?.local ?? 'any');
  if (tunnel?.key !== undefined) parts.push('key', tunnel.key);
  return parts.join(' ');
}

/** A wrapped packet has come to its outer destination: the tunnel device there that takes it, and what is inside. */
export function unwrap(
  world: World,
  arrived: Interface,
  load: Load,
  clues: readonly Clue[],
  trail: Trail,
  asked: Asked,
  grade: Grade,
): State[] {
  const layer = load.layers.at(-1)!;
  const {namespace} = arrived;
  const {node} = namespace;
  // The mark is that of the packet as it came: none, from another node.
  const inner: Load = {packet: {...layer.inner, mark: load.packet.mark}, layers: load.layers.slice(0, -1)};
  const fitting = node.namespaces
    .filter(
      one =>
        one === namespace ||
        one.interfaces.some(({link}) => link.kind === layer.kind && link.peerNsid !== undefined),
    )
    .flatMap(one => one.interfaces)
    .filter(iface => takes(iface, layer, load));
  const here = fitting.filter(iface => iface.namespace === namespace);
  const [device, ...others] = mostSpecific(here.length > 0 ? here : fitting);
  if (device && others.length > 0) {
    const say = `several devices on ${node.name} may unwrap it: ${[device, ...others].map(({link}) => link.name).join(', ')}`;
    const hop = hopIn(namespace, load, {
      way: 'end',
      status: 'unknown',
      grade: 'ambiguous',
      say,
      clues,
      asked,
    });
    return [ended(trail, hop, 'unknown')];
  }
  const untold = device
    ? []
    : namespace.interfaces.filter(({link}) => link.kind === layer.kind && !link.vxlan && !link.tunnel);
  if (untold.length > 0) {
    const names = untold.map(({link}) => link.name).join(', ');
    const say = `what ${names} unwraps was not read: whether it takes this ${layer.kind} is not known`;
    const hop = hopIn(namespace, load, {way: 'end', status: 'unknown', grade: 'unknown', say, clues, asked});
    return [ended(trail, hop, 'unknown')];
  }
  if (!device) {
    const what = `${layer.kind}${layer.id === undefined ? '' : ` with id ${layer.id}`}${layer.port === undefined ? '' : ` on port ${layer.port}`}`;
    const say = `nothing on ${node.name} unwraps ${what} for ${load.packet.destination}`;
    return [
      ended(
        trail,
        hopIn(namespace, load, {way: 'end', status: 'broken', grade: 'inferred', say, clues, asked}),
        'broken',
      ),
    ];
  }
  const {link} = device;
  const unwrapped = [...clues, linkClue(device, 'tunnel', tunnelText(device))];
  const hop = hopAt(device, inner, {
    way: 'in',
    say: `unwrapped from ${layer.kind}${layer.id === undefined ? '' : ` ${layer.id}`}`,
    clues: unwrapped,
    asked,
    grade,
  });
  if (!link.flags.includes('UP')) {
    return [ended(trail, {...hop, way: 'end', status: 'broken', say: `${link.name} is down`}, 'broken')];
  }
  const on = walked(trail, hop);
  const master = link.master === undefined ? undefined : device.namespace.byName.get(link.master);
  if (master?.link.kind === 'bridge') {
    return bridged(world, master, device, {
      step: 'arrive',
      iface: device,
      ...inner,
      mac: layer.innerMac,
      next: inner.packet.destination,
      trail: on,
    });
  }
  if (layer.innerMac !== undefined && link.mac !== undefined && layer.innerMac !== link.mac) {
    const say = `the frame inside is for ${layer.innerMac}, and ${link.name} has ${link.mac}: it is not taken`;
    return [
      ended(
        on,
        hopAt(device, inner, {
          way: 'end',
          status: 'broken',
          say,
          clues: [linkClue(device, 'link', `${link.name} ${link.mac}`)],
        }),
        'broken',
      ),
    ];
  }
  return [{step: 'route', iface: device, ...inner, trail: on}];
}

/**
 * Of the devices that may take a packet the kernel asks those with both ends first, then by the other end, then by its
 * own, then those of any (`ip_tunnel_lookup`); last the fallback device, and that only if it is up.
 */
function mostSpecific(devices: readonly Interface[]): readonly Interface[] {
  const rank = ({link}: Interface) =>
    FALLBACKS.has(link.name)
      ? 0
      : 1 + ((link.tunnel?.local ?? link.vxlan?.local) ? 1 : 0) + (link.tunnel?.remote ? 2 : 0);
  const able = devices.filter(
    ({link}) => devices.length === 1 || !FALLBACKS.has(link.name) || link.flags.includes('UP'),
  );
  const best = Math.max(...able.map(rank));
  return able.filter(device => rank(device) === best);
}

/** Made by the kernel modules themselves. */
const FALLBACKS: ReadonlySet<string> = new Set(['tunl0', 'sit0', 'gre0', 'gretap0', 'ip6tnl0', 'ip6gre0']);

function takes({link}: Interface, layer: Layer, {packet}: Load): boolean {
  if (link.kind !== layer.kind) return false;
  if (link.vxlan) {
    if (link.vxlan.port !== layer.port) return false;
    if (!link.vxlan.external && link.vxlan.id !== layer.id) return false;
    return link.vxlan.local === undefined || link.vxlan.local === packet.destination;
  }
  const {tunnel} = link;
  if (!tunnel) return false;
  if (layer.kind === 'geneve') return tunnel.external || tunnel.id === layer.id;
  if (tunnel.local !== undefined && tunnel.local !== packet.destination) return false;
  if (tunnel.remote !== undefined && packet.source !== undefined && tunnel.remote !== packet.source)
    return false;
  return tunnel.key === layer.id || tunnel.external;
}
