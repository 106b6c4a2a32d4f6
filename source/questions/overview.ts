import * as v from 'valibot';
import type {Definition} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {NodeRow, nodeRow} from './node-rows.ts';
import {base, count, list, Tally} from './schema.ts';
import {emptyTally} from './socket-select.ts';

const Overview = v.object({
  ...base,
  nodes: list(NodeRow),
  totals: v.object({
    nodes: count('Nodes asked for.'),
    read: count('Nodes of which something was read.'),
    pods: count('Pods on them.'),
    namespaces: count('Network namespaces on them.'),
    sockets: Tally,
    cpu: count('Seconds of CPU that the last sweeps cost the nodes together.'),
    wall: count('Milliseconds of the slowest one.'),
  }),
});
export type OverviewAnswer = v.InferOutput<typeof Overview>;

export const overview: Definition<OverviewAnswer> = {
  name: 'overview',
  usage: 'overview',
  summary: 'Nodes, how they are reached, what runs on them, and what reading them costs.',
  words: [0, 0],
  schema: Overview,
  ask(graph) {
    const nodes = graph.nodes.map(node => nodeRow(graph, node));
    const sockets = emptyTally();
    for (const node of nodes) {
      sockets.established += node.sockets?.established ?? 0;
      sockets.listening += node.sockets?.listening ?? 0;
      sockets.other += node.sockets?.other ?? 0;
    }
    const sum = (value: (node: NodeRow) => number | undefined) =>
      nodes.reduce((total, node) => total + (value(node) ?? 0), 0);
    return {
      question: {name: 'overview', words: []},
      at: graph.at,
      // Everything that could not be read is said here, wherever else it is said too.
      gaps: gapsFor(graph, [...new Set(graph.gaps.map(gap => gap.fact))]),
      nodes,
      totals: {
        nodes: nodes.length,
        read: graph.nodes.filter(node => node.snapshot).length,
        pods: sum(node => node.pods),
        namespaces: sum(node => node.namespaces),
        sockets,
        cpu: sum(node => node.cost?.cpu),
        wall: Math.max(0, ...nodes.map(node => node.cost?.wall ?? 0)),
      },
    };
  },
};
