/**
 * What is known of every node at one moment of a recording. The writer keeps one to begin a segment with, the reader
 * builds one to answer "what was the state at T"; both apply events with the functions here, so they agree.
 */
import type {NodeEvent, Reply, SourceEvent, Swept} from '../source.ts';

export type NodeWorld = {
  readonly node: string;
  event?: NodeEvent;
  /** The last completed sweep. */
  swept?: Swept;
  /** The last reply of every fact and namespace that belongs to a completed sweep, by `slotOf`, in order of arrival. */
  readonly replies: Map<string, Reply>;
  /** Replies of the sweep under way, in order of arrival: they stand once it is complete. */
  pending: Reply[];
};

export type World = Map<string, NodeWorld>;

/** What a reply takes the place of: the last one of the same fact and namespace of its node. */
export const slotOf = (reply: {fact: string; netns?: string}) =>
  reply.netns === undefined ? reply.fact : `${reply.fact} ${reply.netns}`;

export function nodeOf(world: World, node: string): NodeWorld {
  let found = world.get(node);
  if (found === undefined) {
    found = {node, replies: new Map(), pending: []};
    world.set(node, found);
  }
  return found;
}

/** `gone` belongs to a `swept`: the namespaces whose replies no longer stand after it. */
export function apply(world: World, event: SourceEvent, gone: readonly string[] = []): void {
  const node = nodeOf(world, event.node);
  if (event.type === 'reply') {
    const {type: _, ...reply} = event;
    node.pending.push(reply);
  } else if (event.type === 'node') {
    const {type: _, ...rest} = event;
    node.event = rest;
  } else {
    const {type: _, ...swept} = event;
    node.swept = swept;
    for (const reply of node.pending) {
      // Deleted first, so that the map's order is that of arrival: what is parsed may lean on what came before it.
      node.replies.delete(slotOf(reply));
      node.replies.set(slotOf(reply), reply);
    }
    node.pending = [];
    if (gone.length > 0) drop(node, new Set(gone));
  }
}

function drop(node: NodeWorld, gone: ReadonlySet<string>): void {
  for (const [slot, reply] of node.replies)
    if (reply.netns !== undefined && gone.has(reply.netns)) node.replies.delete(slot);
}

/**
 * The namespaces that ended with the sweep that is about to complete: known before, and silent although every
 * namespace of the node was asked. To be called before the `swept` is applied. A sweep with a truncated reply proves
 * nothing: the namespaces after the cut were not heard.
 */
export function goneBy(node: NodeWorld): string[] {
  const answered = new Set<string>();
  for (const reply of node.pending) {
    if (reply.truncated) return [];
    if (reply.netns !== undefined) answered.add(reply.netns);
  }
  if (answered.size === 0) return [];
  const gone = new Set<string>();
  for (const {netns} of node.replies.values())
    if (netns !== undefined && !answered.has(netns)) gone.add(netns);
  return [...gone];
}

/**
 * The world as events that rebuild it in an empty one: for each node what stands, its last sweep, what is pending,
 * and its last node event where it happened: before that sweep ended, or after.
 */
export function eventsOf(world: World): SourceEvent[] {
  const events: SourceEvent[] = [];
  for (const {event, swept, replies, pending} of world.values()) {
    const after = event !== undefined && swept !== undefined && Date.parse(event.at) > Date.parse(swept.at);
    if (event !== undefined && !after) events.push({type: 'node', ...event});
    for (const reply of replies.values()) events.push({type: 'reply', ...reply});
    if (swept !== undefined) events.push({type: 'swept', ...swept});
    if (event !== undefined && after) events.push({type: 'node', ...event});
    for (const reply of pending) events.push({type: 'reply', ...reply});
  }
  return events;
}

/** Shares the replies, which never change, and nothing else. */
export function copyOf(world: World): World {
  const copy: World = new Map();
  for (const [name, node] of world)
    copy.set(name, {...node, replies: new Map(node.replies), pending: [...node.pending]});
  return copy;
}
