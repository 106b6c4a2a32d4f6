import * as v from 'valibot';
import type {Graph, Pod as GraphPod} from '../model/graph.ts';
import {holds, prefixLength} from '../model/prefixes.ts';
import type {Answer} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {InterfaceRow, interfaceRow} from './interface-rows.ts';
import {PeerRow, peersOf} from './peer-rows.ts';
import {attachments, PodRow, podRow} from './pod-rows.ts';
import {ProcessRow, processRow} from './process-rows.ts';
import {byTable, RouteRow, routeRow, routeRows} from './route-rows.ts';
import {base, count, list, maybe, text} from './schema.ts';
import {resolve} from './scope.ts';
import {type SocketList, SocketRow} from './socket-rows.ts';
import {isListening, socketsOf} from './socket-select.ts';

const Container = v.object({
  id: text('Its id.'),
  name: text('Its name.'),
  image: maybe.text('Image it was made from.'),
  pid: maybe.count('Its first process, as the runtime wrote it down.'),
  processes: count('Processes in it.'),
});

const head = {
  ...base,
  pod: PodRow,
  sandbox: v.optional(
    v.object({id: text('Id of its sandbox.'), netnsPath: maybe.text('Mount of its namespace.')}),
  ),
  containers: list(Container),
  interfaces: list(InterfaceRow),
  outside: v.pipe(list(InterfaceRow), v.description('The host’s end of each of its interfaces.')),
  inward: v.pipe(
    list(RouteRow),
    v.description('Routes of the node that lead to the pod’s addresses, best first.'),
  ),
  uplink: v.optional(v.pipe(InterfaceRow, v.description('The node’s interface with the default route.'))),
  routes: list(RouteRow),
  processes: list(ProcessRow),
  peers: list(PeerRow),
};
const Head = v.object(head);
const Pod = v.object({...head, listening: list(SocketRow), sockets: list(SocketRow)});
export type PodAnswer = Answer &
  v.InferOutput<typeof Head> & {readonly listening: SocketList; readonly sockets: SocketList};

export const pod: Definition<PodAnswer> = {
  name: 'pod',
  usage: 'pod NS/POD[@NODE]',
  summary: 'One pod: sandbox, containers, processes, interface and its other end, listening ports, peers.',
  words: [1, 1],
  schema: Pod,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['pod']);
    if (isMissing(scope)) return scope;
    if (scope.kind !== 'pod') return {missing: 'Which pod?', suggestions: []};
    const found = scope.pod;
    const {netns, node} = found;
    const own = found.hostNetwork ? undefined : netns;
    const row = (iface: Parameters<typeof interfaceRow>[1]) => interfaceRow(graph, iface);
    const sockets = socketsOf(graph, scope);
    const stateOf = (one: typeof node) => one.snapshot!.sockets!.value.state;
    return {
      question: {name: 'pod', words: [found.key]},
      at: graph.at,
      gaps: [
        ...gapsFor(
          graph,
          [...new Set(graph.gaps.map(gap => gap.fact))],
          own ? {netns: own, talks: true} : {nodes: [node], talks: true},
        ),
      ],
      pod: podRow(graph, found),
      sandbox: found.sandbox && {id: found.sandbox.id, netnsPath: found.sandbox.netnsPath},
      containers: found.containers.map(({id, name, sandbox}) => ({
        id,
        name,
        image: sandbox.image,
        pid: sandbox.pid,
        processes: found.processes.filter(proc => proc.container?.id === id).length,
      })),
      interfaces: own?.interfaces.map(row) ?? [],
      outside: attachments(graph, found).flatMap(({outside}) => outside.map(row)),
      inward: inward(found),
      uplink: uplink(graph, found),
      routes: own ? routeRows(own).sort(byTable) : [],
      processes: found.processes.map(processRow),
      peers: peersOf(graph, sockets, peer => peer.words === found.key),
      listening: socketsOf(graph, scope, one => at => isListening(stateOf(one)[at]!)),
      sockets,
    };
  },
};

/** Routes of the node's own namespace whose prefix holds one of the pod's addresses, longest prefix first. */
function inward(pod: GraphPod): RouteRow[] {
  const {host} = pod.node;
  const routes = host?.facts?.routes;
  if (!host || !routes || pod.hostNetwork) return [];
  return routes.value
    .filter(route => route.type === 'unicast' && pod.addresses.some(address => holds(route.dst, address)))
    .map(route => routeRow(host, route, routes.sweep))
    .sort((a, b) => prefixLength(b.dst) - prefixLength(a.dst));
}

function uplink(graph: Graph, pod: GraphPod): InterfaceRow | undefined {
  const {host} = pod.node;
  const route = host?.facts?.routes?.value.find(
    ({dst, type, table}) => dst === '0.0.0.0/0' && type === 'unicast' && table === 'main',
  );
  const device = route?.hops[0]?.dev;
  // Without a default route: the interface with the address that the node is known by.
  const iface =
    (device === undefined ? undefined : host?.byName.get(device)) ??
    host?.interfaces.find(one => one.addresses.some(({address}) => address === pod.node.addresses[0]));
  return iface && interfaceRow(graph, iface);
}
