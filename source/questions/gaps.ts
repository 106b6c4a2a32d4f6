import type {Gap} from '../facts/evidence.ts';
import type {Graph, GraphNode, Namespace} from '../model/graph.ts';

/** Where an answer looks: everything, some nodes, or one namespace of one node. */
export type Region = {readonly nodes?: readonly GraphNode[]; readonly netns?: Namespace | undefined};

/**
 * Gaps that make an answer less than whole: of the facts it rests on, where it looks, and of nodes not read at all.
 * Nodes are called by name, as everywhere in answers.
 */
export function gapsFor(graph: Graph, facts: readonly string[], region: Region = {}): Gap[] {
  const nodes = region.netns ? [region.netns.node] : (region.nodes ?? graph.nodes);
  const names = new Map(
    nodes.flatMap(node => [[node.id, node.name] as const, [node.name, node.name] as const]),
  );
  return graph.gaps
    .filter(gap => names.has(gap.node) && (gap.fact === 'node' || facts.includes(gap.fact)))
    .filter(gap => !region.netns || gap.netns === undefined || gap.netns === region.netns.inode)
    .map(gap => ({...gap, node: names.get(gap.node)!}));
}
