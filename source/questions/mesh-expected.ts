import type {Shape} from '../cni/ports.ts';
import {asOf, socketsUnread} from '../model/unread.ts';
import type {Channel, Flows, Member} from './mesh-flows.ts';

/** Which connections of a channel there should be, and how that is known. */
export type Expected = {
  /** Whether the member `from` should have one to `to`. */
  pair(from: number, to: number): boolean;
  /** One between two members is enough, whichever calls. */
  readonly either: boolean;
  readonly why: string;
};

/** Were a member's sockets read, and lately? Only then does a missing one mean something. */
export function isRead({node}: Member): boolean {
  return node?.host !== undefined && asOf(node) === undefined && !socketsUnread(node.host);
}

/**
 * What a port is for may say that every node talks to every other. Else what most do is expected of all: of a member
 * that calls more than half, and at least two, of the others where something listens on the port in the node's own
 * namespace, that it calls them all; and when more than half of those that listen do so, of each of them. Pods are
 * left out: whom they call is up to chance and load.
 */
export function expectedOf(flows: Flows, channel: Channel, shape: Shape | undefined): Expected | undefined {
  const read = flows.members.filter(isRead).map(({index}) => index);
  if (shape === 'mesh' || shape === 'pairs') {
    const whole = new Set(read);
    return {
      pair: (from, to) => from !== to && whole.has(from) && whole.has(to),
      either: shape === 'pairs',
      why: 'that is what the port is for',
    };
  }
  if (channel.protocol === 'udp') return undefined;
  const targets = read.filter(index => channel.listening.has(index));
  const calls = (from: number, to: number) => channel.cells.has(flows.cellKey(from, to));
  const many = (from: number) => {
    const others = targets.filter(to => to !== from);
    const called = others.filter(to => calls(from, to)).length;
    return called >= 2 && called * 2 > others.length;
  };
  const callers = new Set(read.filter(many));
  if (callers.size === 0) return undefined;
  const busy = targets.filter(index => callers.has(index)).length;
  const everyone = busy * 2 > targets.length;
  if (everyone) for (const index of targets) callers.add(index);
  const to = new Set(targets);
  return {
    pair: (from, target) => from !== target && callers.has(from) && to.has(target),
    either: false,
    why: everyone
      ? `${busy} of the ${targets.length} nodes that listen on it call most of the others`
      : `who calls most of the ${targets.length} nodes that listen on it should call them all`,
  };
}
