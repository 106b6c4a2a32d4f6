/** Which node that was read is which node of the Kubernetes API: by what both tell of it, never by the name alone where more is known. */
import type {Gap} from '../facts/evidence.ts';
import type {ClusterNode} from '../facts/kube/nodes.ts';
import type {Grade, GraphNode} from './graph.ts';

export type NodeJoin = {readonly node: GraphNode; readonly grade: Grade; readonly why: string};

type Trait = 'boot id' | 'machine id' | 'name in the inventory' | 'address' | 'name';

/** What both tell of a node, and agree or differ in. */
type Likeness = {
  readonly node: GraphNode;
  readonly agree: ReadonlySet<Trait>;
  readonly differ: ReadonlySet<Trait>;
  readonly address?: string;
};

const TRAITS: readonly Trait[] = ['boot id', 'machine id', 'name in the inventory', 'address', 'name'];

/** Joins by name of the API's node, and what could not be joined. `whole`: the API told of all its nodes. */
export function joinNodes(
  nodes: readonly GraphNode[],
  listed: readonly ClusterNode[],
  whole: boolean,
): {readonly joins: ReadonlyMap<ClusterNode, NodeJoin>; readonly gaps: readonly Gap[]} {
  const find = indexed(nodes);
  const candidates = listed.map(one => ({
    listed: one,
    likes: find(one).map(node => likeness(node, one)),
  }));
  const chosen = candidates.map(({listed: one, likes}) => ({
    listed: one,
    likes,
    best: strongest(likes.filter(isLikely)),
  }));
  // Two of the API's nodes that seem to be one that was read: again only what is alike in more of the same.
  const claims = Map.groupBy(
    chosen.filter(({best}) => best !== undefined),
    ({best}) => best!.node,
  );
  const joins = new Map<ClusterNode, NodeJoin>();
  const gaps: Gap[] = [];
  for (const [node, rivals] of claims) {
    const best = strongest(rivals.map(({best: like}) => like!));
    const owner = rivals.find(rival => rival.best === best);
    if (!owner) {
      const names = rivals.map(({listed: {name}}) => name).join(', ');
      gaps.push(
        gap(node, `${node.name} may be each of ${names} of the Kubernetes API: the same is true of all.`),
      );
    } else joins.set(owner.listed, {node, grade: gradeOf(best!), why: wordsOf(best!)});
  }
  for (const {listed: one, likes, best} of chosen) {
    if (best || likes.length === 0) continue;
    const told = likes.map(like => `${like.node.name} (${wordsOf(like)})`).join('; ');
    for (const {node} of likes)
      gaps.push(
        gap(
          node,
          `Whether ${node.name} is the node ${one.name} of the Kubernetes API is not certain: ${told}.`,
        ),
      );
  }
  return {joins, gaps: [...gaps, ...(whole ? strangers(nodes, joins, gaps) : [])]};
}

function gap(node: GraphNode, reason: string): Gap {
  return {
    node: node.id,
    fact: 'kube-nodes',
    reason,
    reveal:
      'Compare `kubectl get nodes -o wide` with its addresses, hostname and machine id (`hoptop node`).',
  };
}

/** Nodes that were read, whose like the API does not know: another cluster's, or one that never joined it. */
function strangers(
  nodes: readonly GraphNode[],
  joins: ReadonlyMap<ClusterNode, NodeJoin>,
  told: readonly Gap[],
): Gap[] {
  const known = new Set([...[...joins.values()].map(({node}) => node.id), ...told.map(({node}) => node)]);
  return nodes
    .filter(node => node.snapshot?.identity && !known.has(node.id))
    .map(node => ({
      node: node.id,
      fact: 'kube-nodes',
      reason: `The Kubernetes API lists no node like ${node.name}: none has its addresses, its hostname or its machine id.`,
      reveal: 'Is it the right cluster? See `kubectl get nodes -o wide`, and choose with --context.',
    }));
}

/** Of all nodes read, those that share anything with one of the API's. */
function indexed(nodes: readonly GraphNode[]): (listed: ClusterNode) => GraphNode[] {
  const index = new Map<string, GraphNode[]>();
  const add = (key: string | undefined, node: GraphNode) => {
    if (key === undefined) return;
    const same = index.get(key);
    if (!same) index.set(key, [node]);
    else if (!same.includes(node)) same.push(node);
  };
  for (const node of nodes) {
    const identity = node.snapshot?.identity?.value;
    add(identity?.machineId, node);
    add(identity?.bootId, node);
    for (const address of addressesOf(node)) add(address, node);
    for (const name of namesOf(node)) add(name, node);
    add(node.kubernetes?.toLowerCase(), node);
  }
  return ({machineId, bootId, addresses, name, hostname}) => [
    ...new Set(
      [machineId, bootId, ...addresses, name.toLowerCase(), hostname?.toLowerCase()].flatMap(key =>
        key === undefined ? [] : (index.get(key) ?? []),
      ),
    ),
  ];
}

/** The address that it was called by counts as well: it is reached there. */
function addressesOf(node: GraphNode): string[] {
  const called = node.id.slice(node.id.lastIndexOf('@') + 1);
  return [...node.addresses, ...(/^[0-9.]+$|^[0-9a-f:]+$/i.test(called) ? [called] : [])];
}

function namesOf(node: GraphNode): Set<string> {
  const hostname = node.snapshot?.identity?.value.hostname;
  return new Set(
    [node.id, node.name, ...(hostname === undefined ? [] : [hostname])].map(name => name.toLowerCase()),
  );
}

function likeness(node: GraphNode, listed: ClusterNode): Likeness {
  const identity = node.snapshot?.identity?.value;
  const [agree, differ] = [new Set<Trait>(), new Set<Trait>()];
  const compare = (trait: Trait, here: string | undefined, there: string | undefined) => {
    if (here !== undefined && there !== undefined) (here === there ? agree : differ).add(trait);
  };
  compare('boot id', identity?.bootId, listed.bootId);
  compare('machine id', identity?.machineId, listed.machineId);
  compare('name in the inventory', node.kubernetes?.toLowerCase(), listed.name.toLowerCase());
  const addresses = addressesOf(node);
  const address = listed.addresses.find(one => addresses.includes(one));
  if (address !== undefined) agree.add('address');
  // What was pasted may be some of its interfaces.
  else if (identity?.uid !== undefined && node.addresses.length > 0 && listed.addresses.length > 0)
    differ.add('address');
  const names = namesOf(node);
  if ([listed.name, listed.hostname].some(name => name !== undefined && names.has(name.toLowerCase())))
    agree.add('name');
  return {node, agree, differ, ...(address === undefined ? {} : {address})};
}

/**
 * A boot id is one boot of one machine. Short of that, a machine id may be a clone's, a name and an address may be given
 * anew: nothing that could be compared may speak for two machines.
 */
function isLikely({agree, differ}: Likeness): boolean {
  if (agree.has('boot id')) return true;
  // The person says which it is: what was read may contradict them, a name or an address alone may not.
  if (differ.has('name in the inventory')) return false;
  if (agree.has('name in the inventory')) return !differ.has('machine id') || agree.has('address');
  if (differ.has('machine id') && !agree.has('address')) return false;
  if (differ.has('address') && !(agree.has('machine id') && agree.has('name'))) return false;
  return agree.size > 0;
}

/** The one that is alike in all that any other is alike in, and more; undefined where there is none. */
function strongest(likes: readonly Likeness[]): Likeness | undefined {
  const found = likes.filter(like =>
    likes.every(
      other =>
        other === like ||
        (like.agree.size > other.agree.size && [...other.agree].every(trait => like.agree.has(trait))),
    ),
  );
  return found.length === 1 ? found[0] : undefined;
}

function gradeOf({agree, differ}: Likeness): Grade {
  if (agree.has('boot id')) return 'proven';
  return agree.has('machine id') && agree.size > 1 && !differ.has('address') ? 'proven' : 'inferred';
}

function wordsOf({agree, differ, address}: Likeness): string {
  const name = (trait: Trait) =>
    trait === 'address' && address !== undefined ? `address ${address}` : trait;
  const same = TRAITS.filter(trait => agree.has(trait)).map(name);
  // The kubelet tells the boot id it began in: another one only says that it has not been started since.
  const other = TRAITS.filter(trait => differ.has(trait) && trait !== 'boot id');
  const list = (traits: readonly string[]) =>
    traits.length < 2 ? traits.join('') : `${traits.slice(0, -1).join(', ')} and ${traits.at(-1)}`;
  return `the same ${list(same)}${other.length > 0 ? `, but another ${list(other)}` : ''}`;
}
