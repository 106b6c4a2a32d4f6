import type {GraphNode, Namespace} from './graph.ts';

/**
 * Were the sockets of a namespace not, or not all, read? One whose answer came in is in the table even when it
 * has no socket; a gap may say that rows are missing.
 */
export function socketsUnread({node, inode}: Namespace): boolean {
  const {sockets, gaps} = node.snapshot ?? {};
  if (!sockets?.value.netns.includes(inode)) return true;
  return gaps?.some(gap => gap.fact === 'sockets' && gap.netns === inode) ?? false;
}

/** The moment of what is shown of a node that is not reached now but was read before; undefined while it is reached. */
export function asOf({snapshot, state}: GraphNode): string | undefined {
  return snapshot && (state === 'lost' || state === 'dialling') ? snapshot.at : undefined;
}

/**
 * May the other end of a connection from node `from` be in a namespace though it is not in its table? Also where the
 * namespace's node is not reached now: what began there after its last reading is not seen. Inside one node both ends
 * are of the same moment.
 */
export function endsUnread(namespace: Namespace, from: number): boolean {
  const {node} = namespace;
  return socketsUnread(namespace) || (node.index !== from && asOf(node) !== undefined);
}

/** Were the descriptors of a node's processes not, or not all, read? Then a process without sockets may have some. */
export function ownersUnread({snapshot}: GraphNode): boolean {
  return !snapshot?.owners || snapshot.gaps.some(gap => gap.fact === 'owners');
}
