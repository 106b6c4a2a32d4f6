import * as v from 'valibot';
import type {Graph, Namespace} from '../model/graph.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor, type Region} from './gaps.ts';
import {InterfaceRow, interfaceRow} from './interface-rows.ts';
import {base, list} from './schema.ts';
import {resolve, type Scope, scopeWords} from './scope.ts';

const Interfaces = v.object({...base, interfaces: list(InterfaceRow)});
export type InterfacesAnswer = v.InferOutput<typeof Interfaces>;

export const interfaces: Definition<InterfacesAnswer> = {
  name: 'interfaces',
  usage: 'interfaces [NODE|NS/POD]',
  summary: 'Interfaces with all that ifconfig shows, rates, the other end and the pod behind each.',
  words: [0, 1],
  schema: Interfaces,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node', 'pod', 'netns']);
    if (isMissing(scope)) return scope;
    return {
      question: {name: 'interfaces', words: scopeWords(scope)},
      at: graph.at,
      gaps: gapsFor(graph, ['network', 'counters', 'namespaces'], regionOf(scope)),
      interfaces: namespacesOf(graph, scope).flatMap(namespace =>
        namespace.interfaces.map(iface => interfaceRow(graph, iface)),
      ),
    };
  },
};

/** Every namespace of a node is part of it; a pod's is its own, or the node's when it shares that. */
export function namespacesOf(graph: Graph, scope: Scope): readonly Namespace[] {
  switch (scope.kind) {
    case 'all':
      return graph.namespaces;
    case 'node':
      return scope.node.namespaces;
    case 'netns':
      return [scope.netns];
    case 'pod':
      return scope.pod.netns ? [scope.pod.netns] : [];
    case 'process':
      return scope.proc.netns ? [scope.proc.netns] : [];
  }
}

export function regionOf(scope: Scope): Region {
  switch (scope.kind) {
    case 'all':
      return {};
    case 'node':
      return {nodes: [scope.node]};
    case 'netns':
      return {netns: scope.netns};
    case 'pod':
      return scope.pod.netns ? {netns: scope.pod.netns} : {nodes: [scope.pod.node]};
    case 'process':
      return scope.proc.netns ? {netns: scope.proc.netns} : {nodes: [scope.proc.node]};
  }
}
