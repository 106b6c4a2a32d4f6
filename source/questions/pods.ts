import * as v from 'valibot';
import type {Definition} from './definition.ts';
import {isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {PodRow, podRow} from './pod-rows.ts';
import {base, list} from './schema.ts';
import {resolve, scopeWords} from './scope.ts';

const Pods = v.object({...base, pods: list(PodRow)});
export type PodsAnswer = v.InferOutput<typeof Pods>;

export const pods: Definition<PodsAnswer> = {
  name: 'pods',
  usage: 'pods [NODE]',
  summary: 'Pods of all nodes or of one: addresses, namespace, interface, sockets.',
  words: [0, 1],
  schema: Pods,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node']);
    if (isMissing(scope)) return scope;
    const nodes = scope.kind === 'node' ? [scope.node] : graph.nodes;
    return {
      question: {name: 'pods', words: scopeWords(scope)},
      at: graph.at,
      gaps: gapsFor(graph, ['sandboxes', 'memberships', 'namespaces', 'network', 'kube-pods'], {nodes}),
      pods: nodes
        .flatMap(node => node.pods)
        .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
        .map(pod => podRow(graph, pod)),
    };
  },
};
