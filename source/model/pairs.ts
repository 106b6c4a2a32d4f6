import type {Grade, GraphNode, Interface, Namespace} from './graph.ts';

/**
 * What the kernel says is at the other side of an interface (IFLA_LINK, `ip-link(8)` shows it as `eth0@if9`): the
 * other end of a veth or netkit pair, or the device that a vlan, macvlan, ipvlan or vxlan sits on.
 */
export type Pair = {
  readonly relation: 'peer' | 'lower';
  readonly grade: Grade;
  /** One when proven or inferred, all that fit when ambiguous, none when unknown. */
  readonly candidates: readonly Interface[];
  readonly why: string;
};

/** Kinds that come in pairs, each end pointing at the other. */
const PAIRED = new Set(['veth', 'netkit']);

/**
 * Pairs of one node's interfaces, checked from both sides. The ifindex alone never decides: most pods have the same
 * one, so a candidate must point back, and must be in the namespace that the netnsid means where that is known.
 */
export function pairInterfaces(node: GraphNode): ReadonlyMap<Interface, Pair> {
  const byIndex = new Map<number, Interface[]>();
  for (const namespace of node.namespaces) {
    for (const iface of namespace.interfaces) {
      const same = byIndex.get(iface.link.ifindex);
      if (same) same.push(iface);
      else byIndex.set(iface.link.ifindex, [iface]);
    }
  }
  const pairs = new Map<Interface, Pair>();
  for (const namespace of node.namespaces) {
    for (const iface of namespace.interfaces) {
      const pair = pairOf(iface, byIndex);
      if (pair) pairs.set(iface, pair);
    }
  }
  return pairs;
}

function pairOf(iface: Interface, byIndex: ReadonlyMap<number, readonly Interface[]>): Pair | undefined {
  const {link} = iface;
  const relation = PAIRED.has(link.kind ?? '') ? 'peer' : 'lower';
  if (link.lower !== undefined) return withinNamespace(iface, link.lower, relation);
  if (link.peerIndex === undefined || link.peerIndex === 0) return undefined;
  const fitting = (byIndex.get(link.peerIndex) ?? []).filter(
    other => other !== iface && (relation === 'lower' || pointsBack(iface, other)),
  );
  const candidates = fitting.filter(
    other => agrees(iface, other) && (relation === 'lower' || agrees(other, iface)),
  );
  if (candidates.length > 1) {
    return {
      relation,
      grade: 'ambiguous',
      candidates,
      why: `${candidates.length} interfaces have index ${link.peerIndex}${relation === 'peer' ? ` and point back to ${link.ifindex}` : ''}, and the namespace id does not tell them apart`,
    };
  }
  const found = candidates[0];
  if (!found) return {relation, grade: 'unknown', candidates, why: whyNone(iface, fitting)};
  const resolved = means(iface, found) || (relation === 'peer' && means(found, iface));
  const indexes =
    relation === 'peer'
      ? `index ${link.ifindex} points to ${link.peerIndex} and that points back`
      : `index ${link.ifindex} sits on ${link.peerIndex}`;
  return resolved
    ? {relation, grade: 'proven', candidates, why: `${indexes}; the namespace id means that namespace`}
    : {
        relation,
        grade: 'inferred',
        candidates,
        why: `${indexes}; no other interface read on ${iface.namespace.node.name} fits, but its namespace id was not resolved`,
      };
}

function withinNamespace(iface: Interface, lower: string, relation: Pair['relation']): Pair {
  const other = iface.namespace.byName.get(lower);
  if (!other) {
    return {
      relation,
      grade: 'unknown',
      candidates: [],
      why: `${lower} was not among the interfaces read in the same namespace`,
    };
  }
  const candidates = [other];
  if (relation === 'lower') {
    return {relation, grade: 'proven', candidates, why: `the kernel names ${lower}, in the same namespace`};
  }
  return other.link.lower === iface.link.name
    ? {relation, grade: 'proven', candidates, why: 'each names the other, in the same namespace'}
    : {relation, grade: 'inferred', candidates, why: `it names ${lower}, which does not name it back`};
}

function pointsBack(iface: Interface, other: Interface): boolean {
  if (other.link.kind !== iface.link.kind || other.link.peerIndex !== iface.link.ifindex) return false;
  // With a netnsid the peer is elsewhere; the kernel leaves the id out when it is in the same namespace.
  const {peerNsid, peerNetns} = iface.link;
  return (peerNsid === undefined && peerNetns === undefined) || other.namespace !== iface.namespace;
}

/** The inode that this interface's netnsid, or name, means to its own namespace; undefined where not known. */
function meant(iface: Interface): string | undefined {
  const {peerNsid: nsid, peerNetns: name} = iface.link;
  if (name !== undefined) {
    const members = iface.namespace.node.snapshot?.members?.value ?? [];
    return members.find(({path}) => path?.replace(/^\/var/, '') === `/run/netns/${name}`)?.netns;
  }
  if (nsid === undefined || nsid < 0) return undefined;
  return iface.namespace.facts?.nsids?.value.get(nsid);
}

function agrees(iface: Interface, other: Interface): boolean {
  const inode = meant(iface);
  return inode === undefined || inode === other.namespace.inode;
}

function means(iface: Interface, other: Interface): boolean {
  return meant(iface) === other.namespace.inode;
}

function whyNone(iface: Interface, fitting: readonly Interface[]): string {
  const {node} = iface.namespace;
  const inode = meant(iface);
  const unread = (namespace: Namespace | undefined) => !namespace?.facts?.links;
  if (inode !== undefined && unread(node.byInode.get(inode))) {
    return `the other side is in namespace ${inode}, whose interfaces were not read on ${node.name}`;
  }
  if (fitting.length > 0) {
    return `interface ${iface.link.peerIndex} was seen in another namespace than the one that the namespace id means`;
  }
  const missing = node.namespaces.filter(unread).length;
  const rest = missing > 0 ? ` (${missing} were not read)` : '';
  return `no interface of the namespaces read on ${node.name}${rest} has index ${iface.link.peerIndex} and points back to ${iface.link.ifindex}: the other side is outside this node's namespaces, or not readable`;
}
