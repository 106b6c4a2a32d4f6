import * as v from 'valibot';
import {FLAG} from '../facts/conntrack/table.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {type NodeService, servicesOf} from '../model/services.ts';
import {phaseOf} from '../model/tracked.ts';
import {addressText, endpointText} from '../model/words.ts';
import {count, Evidence, list, maybe, text} from './schema.ts';

const BackendRow = v.object({
  address: text('Address that calls are sent to.'),
  port: count('Port there.'),
  pod: maybe.text('Pod that has the address.'),
  node: maybe.text('Node that it is on.'),
  share: maybe.count('Share of new connections, 0 to 1; absent where the rules do not tell one share.'),
  live: maybe.count(
    'Connections to it through this service that are open, by conntrack; absent where not read.',
  ),
  unanswered: count('Calls that nobody has answered yet.'),
  closing: count('Connections closed or closing that conntrack still has.'),
  nodes: v.pipe(list(v.string()), v.description('Nodes whose rules have it.')),
  evidence: list(Evidence),
});
export type BackendRow = v.InferOutput<typeof BackendRow>;

export const ServiceRow = v.object({
  name: maybe.text('NS/NAME:PORT as the rules name it; absent where nothing names it.'),
  kind: v.picklist(['clusterIP', 'nodePort', 'hostPort', 'externalIP', 'loadBalancer']),
  address: maybe.text('Address that is called; absent for a port of every address of the node.'),
  family: v.pipe(v.picklist([4, 6]), v.description('Of IP.')),
  port: count('Port that is called.'),
  protocol: text('tcp, udp, sctp.'),
  datapaths: v.pipe(list(v.string()), v.description('iptables, nftables, ipvs.')),
  nodes: v.pipe(list(v.string()), v.description('Nodes whose rules have it.')),
  missing: v.pipe(list(v.string()), v.description('Nodes whose rules were read and do not have it.')),
  backends: list(BackendRow),
  empty: maybe.text('Without backends: rejected or dropped.'),
  live: maybe.count('Open connections through it, by conntrack; absent where conntrack was not read.'),
  differs: maybe.text('How the nodes disagree about it, in a sentence.'),
  evidence: list(Evidence),
});
export type ServiceRow = v.InferOutput<typeof ServiceRow>;

/** What `hoptop services` and `hoptop peers` take for it. */
export function serviceWords({name, address, port, nodes}: ServiceRow): string {
  return name ?? endpointText(address ?? nodes[0] ?? 'node', port);
}

type Live = {open: number; unanswered: number; closing: number};

/** Every service of every node read, by name; a port of all nodes is one row, what they have of it compared. */
export function serviceRows(graph: Graph): readonly ServiceRow[] {
  const known = made.get(graph);
  if (known) return known;
  const read = graph.nodes.filter(node => servicesOf(node) !== undefined);
  const byKey = new Map<string, NodeService[]>();
  for (const service of read.flatMap(node => servicesOf(node)!)) {
    const same = byKey.get(keyOf(service));
    if (same) same.push(service);
    else byKey.set(keyOf(service), [service]);
  }
  const live = liveBackends(graph);
  const rows = [...byKey.values()].map(same => rowOf(graph, same, read, live)).sort(byName);
  made.set(graph, rows);
  return rows;
}

const made = new WeakMap<Graph, readonly ServiceRow[]>();

function keyOf({family, address, protocol, port, kind, node}: NodeService): string {
  // A hostPort is one pod's on one node: on another the same port is another's.
  return `${family} ${address ?? (kind === 'hostPort' ? `local ${node.name}` : 'local')} ${protocol} ${port}`;
}

function byName(a: ServiceRow, b: ServiceRow): number {
  const [x, y] = [a.name ?? '~', b.name ?? '~'];
  return x === y ? a.port - b.port : x < y ? -1 : 1;
}

function rowOf(
  graph: Graph,
  same: readonly NodeService[],
  read: readonly GraphNode[],
  live: ReadonlyMap<string, Live> | undefined,
): ServiceRow {
  const [first] = same;
  const {kind, address, family, port, protocol} = first!;
  const nodes = [...new Set(same.map(({node}) => node.name))];
  const missing = kind === 'hostPort' ? [] : read.map(({name}) => name).filter(name => !nodes.includes(name));
  const empty = same.find(service => service.empty)?.empty;
  const backends = backendsOf(graph, same, live);
  const total = live && backends.reduce((sum, one) => sum + (one.live ?? 0), 0);
  return {
    name: same.find(({name}) => name !== undefined)?.name,
    kind,
    address,
    family,
    port,
    protocol,
    datapaths: [...new Set(same.map(({datapath}) => datapath))],
    nodes,
    missing,
    backends,
    empty: backends.length === 0 ? (empty ?? 'without backends') : undefined,
    live: total,
    differs: differenceOf(same, missing),
    evidence: first!.evidence,
  };
}

function backendsOf(
  graph: Graph,
  same: readonly NodeService[],
  live: ReadonlyMap<string, Live> | undefined,
): BackendRow[] {
  const found = new Map<string, BackendRow & {nodes: string[]}>();
  for (const service of same) {
    for (const backend of service.backends) {
      const key = endpointText(backend.address, backend.port);
      const known = found.get(key);
      if (known) {
        if (!known.nodes.includes(service.node.name)) known.nodes.push(service.node.name);
        continue;
      }
      const holders = graph.byAddress.get(backend.address) ?? [];
      const [only] = holders;
      const listed = graph.listedAt.get(backend.address);
      const flows = live?.get(`${service.protocol} ${calledBy(service)} ${key}`);
      found.set(key, {
        address: backend.address,
        port: backend.port,
        pod:
          holders.length === 1 && only!.kind === 'pod' && only!.pods.length === 1
            ? only!.pods[0]!.key
            : listed?.pod?.key,
        node: holders.length === 1 ? only!.node.name : undefined,
        share: backend.probability,
        live: live && (flows?.open ?? 0),
        unanswered: flows?.unanswered ?? 0,
        closing: flows?.closing ?? 0,
        nodes: [service.node.name],
        evidence: backend.evidence,
      });
    }
  }
  return [...found.values()];
}

function calledBy({address, port}: Pick<NodeService, 'address' | 'port'>): string {
  return endpointText(address ?? '*', port);
}

/**
 * What conntrack has of each backend of each called address, by `PROTOCOL CALLED BACKEND`; calls of an address of the
 * node are counted under `*` too. Undefined when it was read of no node.
 */
function liveBackends(graph: Graph): ReadonlyMap<string, Live> | undefined {
  const found = new Map<string, Live>();
  let any = false;
  for (const node of graph.nodes) {
    const table = node.snapshot?.conntrack?.value;
    if (!table) continue;
    any = true;
    const own = new Set(node.host?.interfaces.flatMap(({addresses}) => addresses.map(one => one.address)));
    for (let entry = 0; entry < table.count; entry += 1) {
      if (!(table.flags[entry]! & FLAG.translated)) continue;
      const family = table.family[entry]!;
      const called = addressText(table.destination, entry, family);
      const backend = addressText(table.replySource, entry, family);
      const protocol = PROTOCOLS.get(table.protocol[entry]!);
      if (
        protocol === undefined ||
        (called === backend && table.destinationPort[entry] === table.replySourcePort[entry])
      )
        continue;
      const port = table.destinationPort[entry]!;
      const to = endpointText(backend, table.replySourcePort[entry]!);
      const names = [endpointText(called, port), ...(own.has(called) ? [endpointText('*', port)] : [])];
      const phase = phaseOf(table, entry);
      for (const name of names) {
        const key = `${protocol} ${name} ${to}`;
        const live = found.get(key) ?? {open: 0, unanswered: 0, closing: 0};
        found.set(key, live);
        if (phase === 'open') live.open += 1;
        else if (phase === 'closing') live.closing += 1;
        else live.unanswered += 1;
      }
    }
  }
  return any ? found : undefined;
}

const PROTOCOLS = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

/** The nodes should have the same rules: what differs is said, and of which node. */
function differenceOf(same: readonly NodeService[], missing: readonly string[]): string | undefined {
  const said: string[] = [];
  if (missing.length > 0)
    said.push(`${missing.join(', ')} ${missing.length === 1 ? 'does' : 'do'} not have it`);
  const sets = new Map<string, string[]>();
  for (const {node, backends} of same) {
    const key = backends
      .map(backend => endpointText(backend.address, backend.port))
      .sort()
      .join(' ');
    sets.set(key, [...(sets.get(key) ?? []), node.name]);
  }
  if (sets.size > 1 && same.every(({kind}) => kind !== 'hostPort')) {
    const parts = [...sets].map(([key, nodes]) => `${nodes.join(', ')}: ${key === '' ? 'none' : key}`);
    said.push(`backends differ (${parts.join('; ')})`);
  }
  return said.length > 0 ? `${said.join('; ')}.` : undefined;
}
