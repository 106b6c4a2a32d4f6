import {canonical, familyOf} from '../facts/prefix.ts';
import type {Graph, Namespace} from '../model/graph.ts';
import {type NodeService, servicesOf} from '../model/services.ts';
import type {Missing} from './answer.ts';
import {isMissing} from './definition.ts';
import {namespaceWords, near, nodeNames, podNames} from './names.ts';
import {resolve} from './scope.ts';

/** One end of a path: where it is, and by which addresses it is called. */
export type PathEnd = {
  /** Its full name, whatever was typed. */
  readonly words: string;
  readonly kind: 'pod' | 'node' | 'netns' | 'address' | 'service';
  /** Where it is; undefined for an address on no node read, and for a service. */
  readonly namespace: Namespace | undefined;
  readonly addresses: readonly string[];
  /** Ports of the service that it is, as nodes' own rules have them. */
  readonly services?: readonly NodeService[];
};

/**
 * Finds one end: a node or pod by name, `NODE/INODE`, `NODE:PID` (the namespace of that process), or an address, which
 * stays that address whoever has it. `svc/NS/NAME` is a service.
 */
export function endCalled(graph: Graph, word: string): PathEnd | Missing {
  const address = canonical(word.replace(/^\[(.*)\]$/, '$1'));
  if (address !== undefined) return atAddress(graph, address);
  const service = /^(?:svc|service)\/([^/]+\/[^/]+)$/.exec(word);
  if (service) return serviceCalled(graph, service[1]!);
  const [, kind, name] = /^(node|pod)\/(.+)$/.exec(word) ?? [];
  const scope =
    kind === undefined
      ? resolve(graph, word, ['node', 'pod', 'netns', 'process'])
      : firstOf(resolve(graph, name, [kind as 'node' | 'pod']), () => resolve(graph, word, ['pod', 'netns']));
  if (isMissing(scope)) return withPort(graph, word) ?? scope;
  switch (scope.kind) {
    case 'pod': {
      const {pod} = scope;
      if (!pod.netns)
        return {missing: `${pod.key} has no network namespace now: ${pod.why}.`, suggestions: []};
      return {words: pod.key, kind: 'pod', namespace: pod.netns, addresses: pod.addresses};
    }
    case 'node': {
      const {node} = scope;
      if (!node.host)
        return {missing: `${node.name} was not read: ${node.cause ?? node.state}.`, suggestions: []};
      return {words: node.name, kind: 'node', namespace: node.host, addresses: node.addresses};
    }
    case 'netns':
      return inNamespace(scope.netns);
    case 'process':
      if (scope.proc.netns) return inNamespace(scope.proc.netns);
      return {missing: `In which network namespace ${word} is was not read.`, suggestions: []};
    default:
      return {missing: `${word} is no end of a path.`, suggestions: []};
  }
}

/** An end with its port, as connections are written: which end it is would be known, so that is said. */
function withPort(graph: Graph, word: string): Missing | undefined {
  const [, end, port] = /^(.*[^:]):(\d{1,5})$/.exec(word) ?? [];
  if (end === undefined || (end.includes(':') && !/^\[.*\]$/.test(end))) return undefined;
  if (isMissing(endCalled(graph, end))) return undefined;
  return {
    missing: `An end of a path has no port: say ${end.replace(/^\[(.*)\]$/, '$1')}, and use --port ${port}.`,
    suggestions: [],
    wrong: true,
  };
}

function firstOf<T>(first: T | Missing, otherwise: () => T | Missing): T | Missing {
  return typeof first === 'object' && first !== null && isMissing(first) ? otherwise() : first;
}

function atAddress(graph: Graph, address: string): PathEnd | Missing {
  const holders = graph.byAddress.get(address) ?? [];
  const [namespace] = holders;
  const services = allServices(graph).filter(one => one.address === address);
  return {
    words: address,
    kind: 'address',
    namespace: holders.length === 1 && services.length === 0 ? namespace : undefined,
    addresses: [address],
    ...(services.length > 0 ? {services} : {}),
  };
}

/** Every service that any node's rules have, each port once; `ns/name:port` from their comments. */
export function allServices(graph: Graph): readonly NodeService[] {
  const found = new Map<string, NodeService>();
  for (const node of graph.nodes) {
    for (const service of servicesOf(node) ?? []) {
      const key = `${service.kind} ${service.address} ${service.protocol} ${service.port}`;
      if (service.address !== undefined && !found.has(key)) found.set(key, service);
    }
  }
  return [...found.values()];
}

export function serviceNames(graph: Graph): string[] {
  return [
    ...new Set(
      allServices(graph).flatMap(({name}) => (name === undefined ? [] : [`svc/${name.replace(/:.*$/, '')}`])),
    ),
  ];
}

function serviceCalled(graph: Graph, name: string): PathEnd | Missing {
  const [bare = '', port] = name.split(':');
  const services = allServices(graph).filter(
    service =>
      service.kind === 'clusterIP' &&
      service.name?.replace(/:.*$/, '') === bare &&
      (port === undefined || service.name === name || String(service.port) === port),
  );
  if (services.length === 0) {
    const unread = graph.nodes
      .filter(node => node.snapshot && !node.host?.facts?.netfilter)
      .map(node => node.name);
    const why = unread.length > 0 ? ` The rules that translate were not read on ${unread.join(', ')}.` : '';
    return {
      missing: `No service ${name} is in the rules of the nodes read.${why}`,
      suggestions: near(serviceNames(graph), `svc/${name}`),
    };
  }
  const addresses = [...new Set(services.map(({address}) => address!))];
  return {words: `svc/${name}`, kind: 'service', namespace: undefined, addresses, services};
}

function inNamespace(namespace: Namespace): PathEnd {
  const addresses = namespace.interfaces
    .flatMap(iface => iface.addresses)
    .filter(({scope}) => scope === 'global')
    .map(({address}) => address);
  return {words: namespaceWords(namespace), kind: 'netns', namespace, addresses};
}

/** The address that `to` is called by from `from`: of the family asked for, else IPv4 where both have it. */
export function addressFor(from: PathEnd, to: PathEnd, family: 4 | 6 | undefined): string | undefined {
  const has = (end: PathEnd, one: 4 | 6) => end.addresses.some(address => familyOf(address) === one);
  const wanted = family ?? (has(to, 4) && (has(from, 4) || !has(from, 6)) ? 4 : 6);
  return (
    to.addresses.find(address => familyOf(address) === wanted) ??
    (family === undefined ? to.addresses[0] : undefined)
  );
}

/** Both ends of a path for completion: the second one once the first is whole. */
export function pathNames(graph: Graph, typed: string): string[] {
  const senders = [...nodeNames(graph), ...podNames(graph)];
  const [first = '', ...rest] = typed.split(/\s+/);
  if (rest.length === 0 && !senders.includes(first)) return senders;
  return [...senders, ...serviceNames(graph)].filter(name => name !== first).map(name => `${first} ${name}`);
}
