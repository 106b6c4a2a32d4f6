import * as v from 'valibot';
import type {Graph, Proc} from '../model/graph.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {regionOf} from './interfaces.ts';
import {ProcessRow, processRow} from './process-rows.ts';
import {base, list} from './schema.ts';
import {resolve, type Scope, scopeWords} from './scope.ts';

const Processes = v.object({...base, processes: list(ProcessRow)});
export type ProcessesAnswer = v.InferOutput<typeof Processes>;

export const processes: Definition<ProcessesAnswer> = {
  name: 'processes',
  usage: 'processes [NODE|NS/POD]',
  summary: 'Processes with their pod, container, network namespace and how many sockets they hold.',
  words: [0, 1],
  schema: Processes,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node', 'pod', 'netns']);
    if (isMissing(scope)) return scope;
    return {
      question: {name: 'processes', words: scopeWords(scope)},
      at: graph.at,
      gaps: gapsFor(graph, ['processes', 'owners', 'memberships', 'namespaces'], regionOf(scope)),
      processes: procsOf(graph, scope).map(processRow),
    };
  },
};

function procsOf(graph: Graph, scope: Scope): readonly Proc[] {
  switch (scope.kind) {
    case 'all':
      return graph.nodes.flatMap(node => node.processes);
    case 'node':
      return scope.node.processes;
    case 'netns':
      return scope.netns.node.processes.filter(proc => proc.netns === scope.netns);
    case 'pod':
      return scope.pod.processes;
    case 'process':
      return [scope.proc];
  }
}
