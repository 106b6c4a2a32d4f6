import type {ConntrackTable} from '../facts/conntrack/table.ts';
import type {Owners} from '../facts/owners.ts';
import {type SocketTable, UNNUMBERED} from '../facts/sockets.ts';
import type {Ends} from '../model/ends.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {servicesOf} from '../model/services.ts';
import {asOf} from '../model/unread.ts';

/**
 * Everything that a row of any socket, and of its other end, is made from. Plain data: columns in shared memory and
 * maps, so an answer that holds it crosses to the drawing thread without copying a socket.
 */
export type SocketWorld = {
  /** By `GraphNode.index`. */
  readonly nodes: readonly WorldNode[];
  /** By `Namespace.index`. */
  readonly places: readonly Place[];
  /** Pods that only the Kubernetes API tells of, by address. */
  readonly listed: ReadonlyMap<string, string>;
  /** Names of services by `PROTOCOL ADDRESS PORT` as any node's rules have them. */
  readonly services: ReadonlyMap<string, string>;
};

export type WorldNode = {
  readonly id: string;
  readonly name: string;
  readonly sweep: number;
  /** Set when the node is not reached now: the moment of what is shown of it. */
  readonly asOf: string | undefined;
  readonly table: SocketTable | undefined;
  /** What its kernel tracks, and the sweep that read it. */
  readonly tracked: {readonly table: ConntrackTable; readonly sweep: number} | undefined;
  readonly ends: Ends | undefined;
  readonly owners: Owners | undefined;
  /** Nothing that was pasted of it shows inodes: that a socket has none says nothing. */
  readonly numberless: boolean;
  /** `Namespace.index` by `netnsIndex` of the table. */
  readonly placeOf: readonly number[];
  readonly processes: ReadonlyMap<number, Holder>;
};

export type Place = {
  readonly node: number;
  readonly inode: string;
  readonly kind: 'host' | 'pod' | 'other';
  readonly pods: readonly string[];
};

/** A process as far as a socket's row shows it. */
export type Holder = {
  readonly program: string;
  readonly user: string;
  readonly pod: string | undefined;
  readonly container: string | undefined;
  /** `Namespace.index` of the process's own namespace. */
  readonly place: number | undefined;
};

const made = new WeakMap<Graph, SocketWorld>();

/** One a graph: every answer about it shares the same. */
export function socketWorld(graph: Graph): SocketWorld {
  const known = made.get(graph);
  if (known) return known;
  const world: SocketWorld = {
    nodes: graph.nodes.map(node => worldNode(node, graph.ends[node.index])),
    places: graph.namespaces.map(({node, inode, kind, pods}) => ({
      node: node.index,
      inode,
      kind,
      pods: pods.map(pod => pod.key),
    })),
    listed: new Map([...graph.listedAt].flatMap(([address, {pod}]) => (pod ? [[address, pod.key]] : []))),
    services: serviceNames(graph),
  };
  made.set(graph, world);
  return world;
}

function isNumberless(table: SocketTable | undefined): boolean {
  return (
    table !== undefined && table.count > 0 && table.inode.every(inode => inode === 0 || inode >= UNNUMBERED)
  );
}

function serviceNames(graph: Graph): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const node of graph.nodes) {
    for (const {name, address, port, protocol} of servicesOf(node) ?? []) {
      if (name === undefined) continue;
      // A port of every address of the node is known by each of them.
      for (const one of address === undefined ? node.addresses : [address]) {
        names.set(`${protocol} ${one} ${port}`, name);
      }
    }
  }
  return names;
}

function worldNode(node: GraphNode, ends: Ends | undefined): WorldNode {
  const {sockets, conntrack} = node.snapshot ?? {};
  return {
    id: node.id,
    name: node.name,
    sweep: sockets?.sweep ?? 0,
    asOf: asOf(node),
    table: sockets?.value,
    tracked: conntrack && {table: conntrack.value, sweep: conntrack.sweep},
    ends,
    owners: node.snapshot?.owners?.value,
    numberless: isNumberless(sockets?.value),
    placeOf: sockets?.value.netns.map(inode => node.byInode.get(inode)!.index) ?? [],
    processes: new Map(
      node.processes.map(({process, pod, container, netns}) => [
        process.pid,
        {
          program: process.name,
          user: process.user,
          pod: pod?.key,
          container: container?.name,
          place: netns?.index,
        },
      ]),
    ),
  };
}
