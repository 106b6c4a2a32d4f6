import {AS_ROOT} from '../facts/contribution.ts';
import type {Gap} from '../facts/evidence.ts';
import {refusals} from '../facts/rights.ts';
import type {Graph, GraphNode, Namespace} from '../model/graph.ts';
import {CLUSTER} from '../wire/source.ts';

/** Where an answer looks: everything, some nodes, or one namespace of one node. */
export type Region = {
  readonly nodes?: readonly GraphNode[];
  readonly netns?: Namespace | undefined;
  /** It shows connections, whose other ends may be on any node: one that is not reached may hold them. */
  readonly talks?: true;
};

/** A gap of an answer: one that stands for many has them in `details`. */
export type AnswerGap = Gap & {readonly details?: readonly Omit<Gap, 'node' | 'reveal'>[]};

/**
 * Gaps that make an answer less than whole: of the facts it rests on, where it looks, and of nodes not read at all.
 * Nodes are called by name, as everywhere in answers.
 */
export function gapsFor(graph: Graph, facts: readonly string[], region: Region = {}): AnswerGap[] {
  const nodes = new Set(region.netns ? [region.netns.node] : (region.nodes ?? graph.nodes));
  const byName = new Map(graph.nodes.flatMap(node => [[node.name, node] as const, [node.id, node] as const]));
  const found = graph.gaps.flatMap((gap): Gap[] => {
    // What the API did not tell concerns every node.
    if (gap.node === CLUSTER) {
      const whole = gap.fact === 'kube-api' && facts.some(fact => fact.startsWith('kube-'));
      return whole || facts.includes(gap.fact) ? [{...gap, node: 'cluster'}] : [];
    }
    const node = byName.get(gap.node);
    if (!node) return [];
    const here = nodes.has(node);
    if (gap.fact === 'node' ? !here && !region.talks : !here || !facts.includes(gap.fact)) return [];
    const elsewhere = region.netns && gap.netns !== undefined && gap.netns !== region.netns.inode;
    return elsewhere ? [] : [{...gap, node: node.name}];
  });
  return mergeRights(found, byName);
}

/** What an ordinary user does not see for want of each fact, in the order that it is said. */
const UNSEEN: readonly (readonly [what: string, facts: readonly string[]])[] = [
  ['who holds sockets', ['owners']],
  ['processes of others', ['processes']],
  ['what runtimes keep of pods', ['sandboxes', 'memberships']],
  ['tracked connections', ['conntrack']],
  ['packet filter rules', ['netfilter']],
  [
    'details of other network namespaces',
    ['namespaces', 'network', 'counters', 'forwarding', 'sockets', 'rules6', 'netns-sysctls', 'nsids'],
  ],
];

/** Is this gap there only since the node is not read as root? */
function needsRoot(gap: Gap, node: GraphNode | undefined): boolean {
  const uid = node?.snapshot?.identity?.value.uid;
  return uid !== undefined && uid !== 0 && (gap.reveal?.includes(AS_ROOT) ?? false);
}

/** One gap a node for all that the want of one right causes: its many refusals are details of it. */
function mergeRights(gaps: readonly Gap[], byName: ReadonlyMap<string, GraphNode>): AnswerGap[] {
  const merged = new Map<string, Gap[]>();
  const out: AnswerGap[] = [];
  for (const gap of gaps) {
    if (!needsRoot(gap, byName.get(gap.node))) {
      out.push(gap);
      continue;
    }
    const same = merged.get(gap.node);
    if (same) same.push(gap);
    else merged.set(gap.node, [gap]);
  }
  return [...[...merged].map(([node, own]) => withoutRoot(byName.get(node)!, own)), ...out];
}

function withoutRoot(node: GraphNode, gaps: readonly Gap[]): AnswerGap {
  const facts = new Set(gaps.map(gap => gap.fact));
  const known = UNSEEN.filter(([, of]) => of.some(fact => facts.has(fact))).map(([what]) => what);
  const what = known.length > 0 ? known.join(', ') : 'some of what was asked for';
  return {
    node: node.name,
    fact: 'rights',
    reason: `${node.name} is read as ${asWhom(node)}. Not seen: ${what}.`,
    reveal: AS_ROOT,
    details: gaps.map(({node: _, reveal: __, ...detail}) => detail),
  };
}

/** `uid 1802 (visitor), without root: sudo wants a password there`; what is not known is left out. */
function asWhom({snapshot}: GraphNode): string {
  const {uid, rights} = snapshot!.identity!.value;
  const user = rights?.user === undefined ? '' : ` (${rights.user})`;
  const why = rights === undefined ? [] : refusals(rights);
  return `uid ${uid}${user}, without root${why.length > 0 ? `: ${why.join('; ')}` : ''}`;
}

/** What is not seen of a node for want of root, as a gap; undefined when it was read as root, or nothing was refused. */
export function rightsGap(graph: Graph, node: GraphNode, facts?: readonly string[]): AnswerGap | undefined {
  const all = facts ?? [...new Set(graph.gaps.map(gap => gap.fact))];
  return gapsFor(graph, all, {nodes: [node]}).find(gap => gap.fact === 'rights');
}
