import type {Graph, GraphNode, Namespace, Pod, Proc} from '../model/graph.ts';
import type {Missing} from './answer.ts';
import {gapsFor} from './gaps.ts';
import {namespaceWords, near, nodeNames, podNames, processNames, processWords} from './names.ts';

/** What one word of a question points at. */
export type Scope =
  | {readonly kind: 'all'}
  | {readonly kind: 'node'; readonly node: GraphNode}
  | {readonly kind: 'netns'; readonly netns: Namespace}
  | {readonly kind: 'pod'; readonly pod: Pod}
  | {readonly kind: 'process'; readonly proc: Proc};

export type ScopeKind = Exclude<Scope['kind'], 'all'>;

const PLAIN: Record<ScopeKind, string> = {
  node: 'node',
  netns: 'network namespace',
  pod: 'pod',
  process: 'process',
};

/**
 * Finds what a word means, among the kinds that the question takes: `NODE` (by name, id or address), `NS/POD`, `POD`
 * where only one has that name, `NS/POD@NODE`, a pod's address, `NODE/INODE` (any network namespace), `NODE:PID`.
 */
export function resolve(
  graph: Graph,
  word: string | undefined,
  kinds: readonly ScopeKind[],
): Scope | Missing {
  if (word === undefined) return {kind: 'all'};
  if (kinds.includes('node')) {
    const node = nodeCalled(graph, word);
    if (node) return {kind: 'node', node};
  }
  if (kinds.includes('pod')) {
    const pods = podsCalled(graph, word);
    if (pods.length === 1) return {kind: 'pod', pod: pods[0]!};
    if (pods.length > 1) {
      return {
        missing: `${pods.length} pods are called ${word}: say which.`,
        suggestions: pods.map(pod => pod.key),
      };
    }
  }
  if (kinds.includes('netns')) {
    const netns = namespaceCalled(graph, word);
    if (netns) return {kind: 'netns', netns};
  }
  if (kinds.includes('process')) {
    const proc = processCalled(graph, word);
    if (proc) return {kind: 'process', proc};
  }
  return {missing: nothing(graph, word, kinds), suggestions: near(candidates(graph, kinds), word)};
}

/** The words that mean this scope again. */
export function scopeWords(scope: Scope): string[] {
  switch (scope.kind) {
    case 'all':
      return [];
    case 'node':
      return [scope.node.name];
    case 'netns':
      return [namespaceWords(scope.netns)];
    case 'pod':
      return [scope.pod.key];
    case 'process':
      return [processWords(scope.proc)];
  }
}

export function nodeCalled(graph: Graph, word: string): GraphNode | undefined {
  return (
    graph.nodes.find(node => node.name === word) ??
    graph.nodes.find(node => node.id === word) ??
    only(graph.nodes.filter(node => node.addresses.includes(word)))
  );
}

export function podsCalled(graph: Graph, word: string): readonly Pod[] {
  const exact = graph.pods.filter(pod => pod.key === word);
  if (exact.length > 0) return exact;
  const at = word.lastIndexOf('@');
  if (at > 0) {
    const node = nodeCalled(graph, word.slice(at + 1));
    return podsCalled(graph, word.slice(0, at)).filter(pod => pod.node === node);
  }
  if (word.includes('/')) return graph.pods.filter(pod => `${pod.namespace}/${pod.name}` === word);
  const named = graph.pods.filter(pod => pod.name === word);
  if (named.length > 0) return named;
  return graph.pods.filter(pod => !pod.hostNetwork && pod.addresses.includes(word));
}

/** `NODE/INODE`. */
export function namespaceCalled(graph: Graph, word: string): Namespace | undefined {
  const slash = word.lastIndexOf('/');
  const node = slash > 0 ? nodeCalled(graph, word.slice(0, slash)) : undefined;
  return node?.byInode.get(word.slice(slash + 1));
}

/** `NODE:PID`. */
export function processCalled(graph: Graph, word: string): Proc | undefined {
  const [, name, pid] = /^(.+):(\d+)$/.exec(word) ?? [];
  return name === undefined ? undefined : nodeCalled(graph, name)?.byPid.get(Number(pid));
}

function nothing(graph: Graph, word: string, kinds: readonly ScopeKind[]): string {
  const names = kinds.includes('pod') ? unnamed(graph) : '';
  return `No ${kinds.map(kind => PLAIN[kind]).join(' or ')} is called ${word} on the nodes read.${notRead(graph)}${names}`;
}

/** Names the nodes of which nothing was read: what was not found may be there. */
export function notRead(graph: Graph): string {
  const unread = graph.nodes.filter(node => !node.snapshot).map(node => node.name);
  return unread.length > 0 ? ` Not read yet: ${unread.join(', ')}.` : '';
}

/** Where pods are known by number only, one of them may be the one that is asked for: that is said, and what reveals it. */
export function unnamed(graph: Graph): string {
  const numbered = new Set(graph.pods.filter(pod => pod.key.startsWith('?/')).map(pod => pod.node));
  const unread = (node: GraphNode) => gapsFor(graph, ['sandboxes', 'memberships'], {nodes: [node]});
  const nodes = graph.nodes.filter(node => node.snapshot && (numbered.has(node) || unread(node).length > 0));
  if (nodes.length === 0) return '';
  const reveals = new Set(nodes.flatMap(node => unread(node).flatMap(gap => gap.reveal ?? [])));
  const where = nodes.map(node => node.name).join(', ');
  return [` Names of pods could not, or not all, be read on ${where}.`, ...reveals].join(' ');
}

function candidates(graph: Graph, kinds: readonly ScopeKind[]): string[] {
  return [
    ...(kinds.includes('node') ? nodeNames(graph) : []),
    ...(kinds.includes('pod') ? podNames(graph) : []),
    ...(kinds.includes('netns')
      ? graph.namespaces.filter(one => one.kind === 'other').map(one => `${one.node.name}/${one.inode}`)
      : []),
    ...(kinds.includes('process') ? processNames(graph) : []),
  ];
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined;
}
