import type {Gap} from '../facts/evidence.ts';
import type {Graph, GraphNode, Namespace} from '../model/graph.ts';

/** Where an answer looks: everything, some nodes, or one namespace of one node. */
export type Region = {
  readonly nodes?: readonly GraphNode[];
  readonly netns?: Namespace | undefined;
  /** It shows connections, whose other ends may be on any node: one that is not reached may hold them. */
  readonly talks?: true;
};

/**
 * Gaps that make an answer less than whole: of the facts it rests on, where it looks, and of nodes not read at all.
 * Nodes are called by name, as everywhere in answers.
 */
export function gapsFor(graph: Graph, facts: readonly string[], region: Region = {}): Gap[] {
  const nodes = new Set(region.netns ? [region.netns.node] : (region.nodes ?? graph.nodes));
  const byName = new Map(graph.nodes.flatMap(node => [[node.name, node] as const, [node.id, node] as const]));
  return graph.gaps.flatMap(gap => {
    const node = byName.get(gap.node);
    if (!node) return [];
    const here = nodes.has(node);
    if (gap.fact === 'node' ? !here && !region.talks : !here || !facts.includes(gap.fact)) return [];
    const elsewhere = region.netns && gap.netns !== undefined && gap.netns !== region.netns.inode;
    return elsewhere ? [] : [{...gap, node: node.name}];
  });
}
