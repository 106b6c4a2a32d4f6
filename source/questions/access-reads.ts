import * as v from 'valibot';
import {FACTS} from '../facts/catalogue.ts';
import {AS_ROOT} from '../facts/contribution.ts';
import type {Fact} from '../facts/fact.ts';
import type {NetnsFacts, Snapshot} from '../facts/snapshot.ts';
import type {GraphNode} from '../model/graph.ts';
import {count, flag, list, maybe, text} from './schema.ts';

/** What one reader got of one node. */
export const ReadRow = v.object({
  node: text('The node, by name.'),
  fact: text('What is read.'),
  reader: text('By which reader: `hoptop commands` prints what it runs.'),
  status: v.pipe(
    v.picklist(['read', 'partly', 'refused', 'failed', 'nothing', 'unasked']),
    v.description(
      'read: all of it. partly: some of it. refused: nothing, for want of a right. failed: nothing, for another reason. nothing: it has nothing to tell there. unasked: only read when asked to.',
    ),
  ),
  namespaces: v.optional(
    v.object({
      read: count('Network namespaces it was read in.'),
      of: count('Network namespaces known of on the node.'),
    }),
  ),
  rights: flag('Whether root would see more.'),
  reasons: v.pipe(list(v.string()), v.description('Why it is not whole, each reason once.')),
  withoutRoot: maybe.text('What an ordinary user does not see of it.'),
});
export type ReadRow = v.InferOutput<typeof ReadRow>;

/** Where each fact's value is; in namespaces those of the others. */
const INSIDE: Readonly<Record<string, keyof NetnsFacts>> = {
  counters: 'counters',
  nsids: 'nsids',
  network: 'links',
  netfilter: 'netfilter',
  rules6: 'rules6',
  forwarding: 'forwarding',
  sysctls: 'sysctls',
  'netns-sysctls': 'sysctls',
};
const ON_NODE: Readonly<Record<string, keyof Snapshot>> = {
  identity: 'identity',
  namespaces: 'members',
  fingerprints: 'fingerprints',
  processes: 'processes',
  owners: 'owners',
  sandboxes: 'sandboxes',
  memberships: 'memberships',
  sockets: 'sockets',
  conntrack: 'conntrack',
};

/** What every namespace has. */
const EVERYWHERE = new Set(['counters', 'network', 'rules6', 'netns-sysctls']);
const ENTERING = 'Only the namespace of the node itself is read: entering another takes root.';

/** The namespaces where a fact was read, of those that are known of; undefined for what is read once a node. */
function placesOf({name}: Fact, snapshot: Snapshot, known: ReadonlySet<string>) {
  const key = INSIDE[name];
  if (name === 'sockets') {
    const refused = new Set(
      snapshot.gaps
        .filter(gap => gap.fact === name && !gap.reason.startsWith('Read without root'))
        .map(({netns}) => netns),
    );
    const read = snapshot.sockets?.value.netns.filter(inode => !refused.has(inode)) ?? [];
    return {read: read.length, of: known.size};
  }
  // A forwarding database is read only where there is a bridge or a tunnel.
  if (key === undefined || !EVERYWHERE.has(name)) return undefined;
  const read = [...known].filter(inode => snapshot.netns.get(inode)?.[key] !== undefined);
  return {read: read.length, of: known.size};
}

function isThere(name: string, snapshot: Snapshot): boolean {
  const onNode = ON_NODE[name];
  if (onNode !== undefined) return snapshot[onNode] !== undefined;
  const inside = INSIDE[name];
  return inside !== undefined && [...snapshot.netns.values()].some(netns => netns[inside] !== undefined);
}

/** Every reader, in the order of `hoptop commands`; none for a node that was never read. */
export function readRows(node: GraphNode): ReadRow[] {
  const {snapshot} = node;
  if (!snapshot) return [];
  const uid = snapshot.identity?.value.uid;
  const known = new Set(node.namespaces.map(({inode}) => inode));
  return FACTS.map(fact => {
    const {name, reader, cadence} = fact;
    const gaps = snapshot.gaps.filter(gap => gap.fact === name);
    const refused = gaps.some(({reveal}) => reveal?.includes(AS_ROOT));
    const there = isThere(name, snapshot);
    const namespaces = placesOf(fact, snapshot, known);
    const lacks = namespaces !== undefined && namespaces.read < namespaces.of;
    // What is not seen of other namespaces, since no process of theirs is, has no gap of its own.
    const rights = refused || (lacks && uid !== undefined && uid !== 0);
    const whole = gaps.length === 0 && !lacks;
    const status = ((): ReadRow['status'] => {
      if (cadence.when === 'asked') return 'unasked';
      if (there) return whole ? 'read' : 'partly';
      if (whole) return 'nothing';
      return rights ? 'refused' : 'failed';
    })();
    return {
      node: node.name,
      fact: name,
      reader: reader.name,
      status,
      namespaces,
      rights,
      reasons: [
        ...new Set(
          gaps.map(({netns, reason}) =>
            netns === undefined ? reason : reason.replace(`, namespace ${netns}`, ''),
          ),
        ),
      ],
      withoutRoot: reader.withoutRoot ?? (lacks ? ENTERING : undefined),
    };
  });
}
