import * as v from 'valibot';
import type {Answer} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {InterfaceRow, interfaceRow} from './interface-rows.ts';
import {NodeRow, nodeRow} from './node-rows.ts';
import {PodRow, podRow} from './pod-rows.ts';
import {ProcessRow, processRow} from './process-rows.ts';
import {byTable, RouteRow, routeRows} from './route-rows.ts';
import {base, list} from './schema.ts';
import {resolve} from './scope.ts';
import {type SocketList, SocketRow} from './socket-rows.ts';
import {inNamespace, pick} from './socket-select.ts';

const head = {
  ...base,
  node: NodeRow,
  pods: list(PodRow),
  interfaces: list(InterfaceRow),
  processes: list(ProcessRow),
  routes: list(RouteRow),
};
const Node = v.object({...head, sockets: list(SocketRow)});
const Head = v.object(head);
export type NodeAnswer = Answer & v.InferOutput<typeof Head> & {readonly sockets: SocketList};

export const node: Definition<NodeAnswer> = {
  name: 'node',
  usage: 'node NODE',
  summary: 'One node: its pods, and the interfaces, sockets, processes and routes of its own namespace.',
  words: [1, 1],
  schema: Node,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node']);
    if (isMissing(scope)) return scope;
    if (scope.kind !== 'node')
      return {missing: 'Which node?', suggestions: graph.nodes.map(({name}) => name)};
    const found = scope.node;
    const host = found.host;
    return {
      question: {name: 'node', words: [found.name]},
      at: graph.at,
      gaps: gapsFor(graph, [...new Set(graph.gaps.map(gap => gap.fact))], {nodes: [found], talks: true}),
      node: nodeRow(graph, found),
      pods: found.pods.map(pod => podRow(graph, pod)),
      interfaces: host?.interfaces.map(iface => interfaceRow(graph, iface)) ?? [],
      processes: found.processes
        .filter(proc => proc.netns === undefined || proc.netns === host)
        .map(processRow),
      routes: host ? routeRows(host).sort(byTable) : [],
      sockets: pick(graph, host ? [found] : [], () => inNamespace(host!)),
    };
  },
};
