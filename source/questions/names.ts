import uFuzzy from '@leeoniya/ufuzzy';
import type {Graph, Interface, Namespace, Pod, Proc} from '../model/graph.ts';

/** A namespace as words: the node's name for its own, the pod's for a pod's, else `NODE/INODE`. */
export function namespaceWords(namespace: Namespace): string {
  if (namespace.kind === 'host') return namespace.node.name;
  const [pod] = namespace.pods;
  return namespace.pods.length === 1 ? pod!.key : `${namespace.node.name}/${namespace.inode}`;
}

/** `NODE/IF`, `NS/POD:IF` or `NODE/INODE:IF`. An interface's name has neither `/` nor `:` (`dev_valid_name`). */
export function interfaceWords({namespace, link}: Interface): string {
  return `${namespaceWords(namespace)}${namespace.kind === 'host' ? '/' : ':'}${link.name}`;
}

export function processWords(proc: Proc): string {
  return `${proc.node.name}:${proc.process.pid}`;
}

export function podWords(pod: Pod): string {
  return pod.key;
}

let fuzzy: uFuzzy | undefined;

/**
 * Names near to what was typed, best first: as it is, then by its last part (`web-1` finds `shop/web-1`), without its
 * punctuation (`web1` does too), and at last by ever less of its beginning (`node-1/eth7` finds `node-1/eth0`).
 */
export function near(names: readonly string[], typed: string, most = 5): string[] {
  // One error a word: what a tired hand makes. Made when first needed: an answer without a mistake pays nothing.
  fuzzy ??= new uFuzzy({intraMode: 1});
  const bare = letters(typed);
  const beginnings = Array.from({length: Math.ceil(typed.length / 2)}, (_, cut) => typed.slice(0, -1 - cut));
  const tries: [string[], string][] = [
    [[...names], typed],
    [[...names], typed.split(/[/:@]/).at(-1)!],
    [names.map(letters), bare],
    ...beginnings.filter(part => part.length > 1).map((part): [string[], string] => [[...names], part]),
  ];
  for (const [haystack, needle] of tries) {
    if (needle.trim() === '') continue;
    const [found, info, order] = fuzzy.search(haystack, needle);
    const ordered = order && info ? order.map(at => info.idx[at]!) : found;
    if (ordered && ordered.length > 0) return ordered.slice(0, most).map(at => names[at]!);
  }
  return [];
}

function letters(name: string): string {
  return name.replace(/[^\p{L}\p{N}]+/gu, '');
}

export function nodeNames(graph: Graph): string[] {
  return graph.nodes.map(node => node.name);
}

export function podNames(graph: Graph): string[] {
  return graph.pods.map(pod => pod.key).sort();
}

export function interfaceNames(graph: Graph): string[] {
  return graph.namespaces.flatMap(namespace => namespace.interfaces.map(interfaceWords));
}

export function processNames(graph: Graph): string[] {
  return graph.nodes.flatMap(node => node.processes.map(processWords));
}
