import type {Evidence} from '../facts/evidence.ts';
import type {Chain, FilterRule, Match, Netfilter, Ruleset} from '../facts/netfilter/ruleset.ts';
import type {Dated} from '../facts/snapshot.ts';
import {chainFrom} from './chains.ts';
import type {GraphNode} from './graph.ts';
import {isLocal} from './nat/match.ts';

/** By which means a node translates a service. */
export type Datapath = 'iptables' | 'nftables' | 'ipvs';

/** How a service is called: its ClusterIP, a port of every node, a pod's port on its node, or an address given it. */
export type ServiceKind = 'clusterIP' | 'nodePort' | 'hostPort' | 'externalIP' | 'loadBalancer';

/** One port of a service as one node's own rules have it. */
export type NodeService = {
  readonly node: GraphNode;
  readonly kind: ServiceKind;
  /** `ns/name:port` from the rules' comments (kube-proxy writes them); undefined where nothing names it. */
  readonly name: string | undefined;
  readonly family: 4 | 6;
  /** Undefined for a port of every address of the node. */
  readonly address: string | undefined;
  readonly port: number;
  readonly protocol: string;
  readonly datapath: Datapath;
  readonly backends: readonly Backend[];
  /** What happens to a call, where the rules have no backend for it. */
  readonly empty?: 'rejected' | 'dropped';
  readonly evidence: readonly Evidence[];
};

export type Backend = {
  readonly address: string;
  readonly port: number;
  /** Share of new connections, 0 to 1; undefined where the rules do not tell (affinity, a scheduler with weights). */
  readonly probability: number | undefined;
  readonly evidence: readonly Evidence[];
};

type Open = Omit<NodeService, 'node' | 'backends' | 'evidence' | 'empty'> & {
  readonly backends: Map<string, {-readonly [K in keyof Backend]: Backend[K]}>;
  readonly evidence: Evidence[];
  empty?: 'rejected' | 'dropped';
};

/** What the rules on the way to a translation asked of the packet, and said of it. */
type Path = {
  readonly address?: string;
  readonly local?: true;
  readonly protocol?: string;
  readonly port?: number;
  readonly comments: readonly string[];
  readonly chains: readonly string[];
  /** Share of those that came to the chain. */
  readonly share: number | undefined;
  readonly rules: readonly FilterRule[];
};

/**
 * The services of one node as its own rules have them, whoever wrote those: each way through the chains that asks for
 * one destination, protocol and port and ends in a translation is a backend. Undefined when the rules were not read.
 */
export function servicesOf(node: GraphNode): readonly NodeService[] | undefined {
  const read = node.host?.facts?.netfilter;
  if (!read) return undefined;
  let parts = derived.get(read.value);
  if (!parts) {
    parts = derive(node, read);
    derived.set(read.value, parts);
  }
  return parts.map(service => ({...service, node}));
}

/** By the rules they were derived from, which are read far less often than graphs are built. */
const derived = new WeakMap<Netfilter, readonly Omit<NodeService, 'node'>[]>();

function derive(node: GraphNode, read: Dated<Netfilter>): readonly Omit<NodeService, 'node'>[] {
  const found = new Map<string, Open>();
  const evidenceOf = (span: {from: number; to: number}): Evidence => ({
    node: node.id,
    fact: 'netfilter',
    sweep: read.sweep,
    from: span.from,
    to: span.to,
  });
  for (const ruleset of read.value.rulesets) {
    for (const chain of ruleset.chains) {
      const {base} = chain;
      if (!base) continue;
      const path: Path = {comments: [], chains: [], share: 1, rules: []};
      if (base.type === 'nat' && (base.hook === 'PREROUTING' || base.hook === 'OUTPUT'))
        walk(node, ruleset, chain, path, leaf => translated(ruleset, leaf));
    }
    for (const chain of ruleset.chains) {
      if (chain.table === 'filter' || chain.table === 'kube-proxy') refused(ruleset, chain);
    }
  }
  addServers(read.value);
  return [...found.values()].map(({backends, empty, ...service}) => ({
    ...service,
    backends: [...backends.values()],
    ...(empty && backends.size === 0 ? {empty} : {}),
  }));

  function translated(ruleset: Ruleset, path: Path): void {
    const {verdict} = path.rules.at(-1)!;
    if (verdict.do !== 'dnat') return;
    const service = serviceAt(ruleset, path);
    if (!service) return;
    const address = verdict.address ?? path.address;
    const port = verdict.port ?? path.port;
    if (address === undefined || port === undefined) return;
    const key = `${address} ${port}`;
    const known = service.backends.get(key);
    // By two ways (from inside and outside, say) with shares of their own: no one share is true.
    if (known) known.probability = known.probability === path.share ? path.share : undefined;
    else
      service.backends.set(key, {
        address,
        port,
        probability: path.share,
        evidence: path.rules.slice(-2).map(evidenceOf),
      });
  }

  /** Policies reject too: only what kube-proxy says is for want of endpoints counts. */
  function refused(ruleset: Ruleset, chain: Chain): void {
    for (const rule of chain.rules) {
      const said = / has no (local )?endpoints$/.test(rule.comment ?? '');
      if (!said && ruleset.backend !== 'nftables') continue;
      const verdict = lastVerdict(ruleset, chain, rule);
      if (verdict.do !== 'reject' && verdict.do !== 'drop') continue;
      const start: Path = {
        comments: rule.comment === undefined ? [] : [rule.comment],
        chains: [],
        share: 1,
        rules: [rule],
      };
      const asked = rule.matches.reduce<Path | undefined>(
        (so, match) => so && narrowed(node, so, match),
        start,
      );
      const service = asked && serviceAt(ruleset, asked);
      if (service) service.empty = verdict.do === 'reject' ? 'rejected' : 'dropped';
    }
  }

  function serviceAt(ruleset: Ruleset, path: Path): Open | undefined {
    const {local, port, protocol} = path;
    if (port === undefined || protocol === undefined || (path.address === undefined && !local))
      return undefined;
    const said = kindOf(path);
    // An address of the node itself, listed instead of asked for as LOCAL.
    const own = said === 'clusterIP' && ownAddress(node, path.address!);
    const kind = own ? 'nodePort' : said;
    const address = own ? undefined : path.address;
    const key = `${ruleset.family} ${address ?? 'local'} ${protocol} ${port}`;
    const known = found.get(key);
    if (known) return known;
    const made: Open = {
      kind,
      name: nameOf(path),
      family: ruleset.family,
      address,
      port,
      protocol,
      datapath: ruleset.backend === 'nftables' ? 'nftables' : 'iptables',
      backends: new Map(),
      evidence: path.rules
        .filter(rule => rule.matches.some(one => one.is === 'destination-port'))
        .map(evidenceOf),
    };
    found.set(key, made);
    return made;
  }

  function addServers({servers}: Netfilter): void {
    for (const server of servers) {
      if (server.protocol === 'fwm') continue;
      const {address, port, protocol, backends} = server;
      const family = address.includes(':') ? 6 : 4;
      const all = backends.reduce((sum, {weight}) => sum + weight, 0);
      found.set(`${family} ${address} ${protocol} ${port}`, {
        kind: ownAddress(node, address) ? 'nodePort' : 'clusterIP',
        name: undefined,
        family,
        address,
        port,
        protocol,
        datapath: 'ipvs',
        backends: new Map(
          backends.map(backend => [
            `${backend.address} ${backend.port}`,
            {
              address: backend.address,
              port: backend.port,
              probability: /^w?rr$/.test(server.scheduler) && all > 0 ? backend.weight / all : undefined,
              evidence: [evidenceOf(backend)],
            },
          ]),
        ),
        ...(backends.length === 0 ? {empty: 'dropped' as const} : {}),
        evidence: [evidenceOf(server)],
      });
    }
  }
}

/** kube-proxy puts every ClusterIP on a device of its own; addresses of all others are the node's. */
function ownAddress(node: GraphNode, address: string): boolean {
  return (
    node.host?.interfaces.some(
      ({link, addresses}) => link.kind !== 'dummy' && addresses.some(one => one.address === address),
    ) ?? false
  );
}

/** What a rule comes to where it leads to a chain of one rule, as to kube-proxy's helper that rejects. */
function lastVerdict(ruleset: Ruleset, chain: Chain, {verdict}: FilterRule): FilterRule['verdict'] {
  if (verdict.do !== 'jump' && verdict.do !== 'goto') return verdict;
  const target = chainFrom(ruleset, chain, verdict.chain);
  return target?.rules[0]?.verdict ?? verdict;
}

const DEEP = 16;

/** Every way from a chain to a verdict that ends it. */
function walk(node: GraphNode, ruleset: Ruleset, chain: Chain, path: Path, leaf: (path: Path) => void): void {
  if (path.rules.length > DEEP) return;
  const chains = [...path.chains, ...(path.chains.length === 0 ? [chain.table] : []), chain.name];
  let left = path.share;
  for (const rule of chain.rules) {
    const asked = rule.matches.reduce<Path | undefined>((so, match) => so && narrowed(node, so, match), {
      ...path,
      chains,
      share: left,
    });
    const chance = rule.matches.find(match => match.is === 'chance');
    if (chance?.is === 'chance' && left !== undefined) left *= 1 - chance.probability;
    if (!asked) continue;
    const on: Path = {
      ...asked,
      comments: rule.comment === undefined ? path.comments : [...path.comments, rule.comment],
      rules: [...path.rules, rule],
    };
    const {verdict} = rule;
    if (verdict.do === 'jump' || verdict.do === 'goto') {
      const target = chainFrom(ruleset, chain, verdict.chain);
      if (target) walk(node, ruleset, target, on, leaf);
    } else leaf(on);
  }
}

/** The path with what one match asks; undefined when nothing can come this way. */
function narrowed(node: GraphNode, path: Path, match: Match): Path | undefined {
  if (match.is === 'chance' && !match.not)
    return {...path, share: path.share === undefined ? undefined : path.share * match.probability};
  // What holds only for some clients says nothing of the share of all.
  if (match.is === 'source' || match.is === 'set' || match.is === 'other' || match.not)
    return match.is === 'destination'
      ? path
      : {...path, share: match.is === 'source' ? path.share : undefined};
  switch (match.is) {
    case 'destination': {
      const hosts = match.prefixes.map(prefix => /^(.+)\/(?:32|128)$/.exec(prefix)?.[1]);
      if (hosts.includes(undefined)) return path;
      if (hosts.length === 1 && path.address !== undefined && path.address !== hosts[0]) return undefined;
      if (node.host && hosts.every(host => isLocal(node.host!, host!)) && (hosts.length > 1 || path.local))
        return {...path, local: true};
      return hosts.length === 1 ? {...path, address: hosts[0]!} : path;
    }
    case 'address-type':
      return match.of === 'destination' && match.type === 'LOCAL' ? {...path, local: true} : path;
    case 'protocol':
      return match.protocols.length === 1 ? {...path, protocol: match.protocols[0]!} : path;
    case 'destination-port': {
      const [only] = match.ranges;
      return match.ranges.length === 1 && only![0] === only![1] ? {...path, port: only![0]} : path;
    }
    default:
      return path;
  }
}

function kindOf({address, comments, chains}: Path): ServiceKind {
  const said = comments.join('\n');
  if (/ external IP$/m.test(said)) return 'externalIP';
  if (/ loadbalancer IP$/m.test(said)) return 'loadBalancer';
  if (/^dnat name: "/m.test(said) || chains.some(name => /hostport/i.test(name))) return 'hostPort';
  return address === undefined ? 'nodePort' : 'clusterIP';
}

/** `shop/web:http` of `shop/web:http cluster IP`, `shop/web:http -> 10.0.0.1:80`, `service-ULMVA6XW-shop/web/tcp/http`. */
function nameOf({comments, chains}: Path): string | undefined {
  for (const comment of comments) {
    const [, name] =
      /^([a-z0-9.-]+\/[a-z0-9.-]+(?::[\w.-]+)?)(?: (?:cluster|external|loadbalancer) IP| has no (?:local )?endpoints| -> .*)?$/.exec(
        comment,
      ) ?? [];
    if (name !== undefined) return name;
  }
  for (const chain of chains) {
    const [, name, port] =
      /^(?:service|external)-[A-Z0-9]{8}-([^/]+\/[^/]+)\/\w+\/([^/]*)$/.exec(chain) ?? [];
    if (name !== undefined) return port ? `${name}:${port}` : name;
  }
  return undefined;
}

/** How a node translates services, as far as was read, with words for each way that cannot be looked into. */
export function datapathsOf(node: GraphNode): {
  readonly ways: readonly (Datapath | 'ebpf')[];
  readonly why: string;
} {
  const read = node.host?.facts?.netfilter?.value;
  if (!read) return {ways: [], why: 'its rules were not read'};
  const ways = new Set<Datapath | 'ebpf'>(servicesOf(node)!.map(({datapath}) => datapath));
  if (read.bpf.length === 0)
    return {ways: [...ways], why: ways.size > 0 ? 'as its rules say' : 'no rule translates'};
  ways.add('ebpf');
  return {
    ways: [...ways],
    why: `BPF maps of services are pinned there (${read.bpf.slice(0, 3).join(', ')}): what they hold was not read, and conntrack is not authoritative here`,
  };
}
