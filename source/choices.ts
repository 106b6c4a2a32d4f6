/**
 * Which of a fact's readers a node is read by. The best one is tried first; where its reply shows that it cannot be
 * there (no such program, an option that it does not know), the next one is, and stays. So nothing is asked about tools
 * on a node that has them, and one that loses a tool meanwhile is read by the next best.
 */
import {AS_ROOT} from './facts/contribution.ts';
import type {Gap} from './facts/evidence.ts';
import type {Fact} from './facts/fact.ts';
import {nextReader, readersOf, toolOf, type Unfit, unfit} from './facts/fallbacks.ts';
import type {Read, Reader, Reply, Scope} from './wire/source.ts';

/** The node's own namespace, and all others: those take a way in, which may be missing. */
export type Place = 'host' | 'inside';

export type Choices = {
  /**
   * Moves on when this reply shows that its reader cannot be there, and there is another one: the gap that stands until
   * that one has answered. Undefined when the reply is to be taken.
   */
  pass(fact: Fact, reply: Reply, place: Place): Gap | undefined;
  /** What a scope is to be read by. */
  reads(fact: Fact, scope: Scope, host: string | undefined, rest: Pick<Read, 'fresh'>): Read[];
  suit(fact: Fact, read: Read, host: string | undefined): Read;
  /** What the readers that were chosen do not tell: one gap a fact. */
  gaps(facts: readonly Fact[]): Gap[];
  /** Tries the best ones again: the node may be another one. */
  forget(): void;
};

type Choice = {index: number; why: Unfit; instead: string};

/** As the end of a sentence. */
function wayOf(reader: Reader): string {
  return reader.proc ? "from the kernel's own files" : `by \`${toolOf(reader)}\``;
}

export function createChoices(node: string): Choices {
  const chosen = new Map<string, Choice>();
  const key = (fact: Fact, place: Place) => `${fact.name} ${place}`;
  const indexOf = (fact: Fact, place: Place) => chosen.get(key(fact, place))?.index ?? 0;
  const readerOf = (fact: Fact, place: Place): Reader => readersOf(fact)[indexOf(fact, place)] ?? fact.reader;

  function reads(fact: Fact, scope: Scope, host: string | undefined, rest: Pick<Read, 'fresh'>): Read[] {
    const [own, other] = [readerOf(fact, 'host'), readerOf(fact, 'inside')];
    if (scope === 'node' || own === other) return [{node, reader: own, scope, ...rest}];
    if (scope === 'each-netns')
      return [
        {node, reader: own, scope: {netns: ['host']}},
        {node, reader: other, scope: {netns: ['inside']}},
      ];
    const isHost = (inode: string) => inode === 'host' || inode === host;
    const [ours, theirs] = [scope.netns.filter(isHost), scope.netns.filter(inode => !isHost(inode))];
    return [
      ...(ours.length > 0 ? [{node, reader: own, scope: {netns: ours}}] : []),
      ...(theirs.length > 0 ? [{node, reader: other, scope: {netns: theirs}}] : []),
    ];
  }

  return {
    reads,
    pass(fact, reply, place) {
      if (fact.otherwise === undefined) return undefined;
      const readers = readersOf(fact);
      const index = readers.findIndex(({name}) => name === reply.reader);
      const why = index < 0 ? undefined : unfit(fact, reply);
      const next = why && nextReader(fact, index, why);
      if (why === undefined || next === undefined) return undefined;
      const known = chosen.get(key(fact, place));
      if (!known || known.index < next)
        chosen.set(key(fact, place), {index: next, why: known?.why ?? why, instead: wayOf(readers[next]!)});
      return {
        node,
        fact: fact.name,
        ...(reply.netns !== undefined && {netns: reply.netns}),
        reason: `${why.sentence} on node ${node}: it is read ${wayOf(readers[next]!)} instead.`,
        reveal: revealOf(fact, why),
      };
    },
    suit(fact, read, host) {
      const [only] = reads(fact, read.scope, host, {});
      return only === undefined || read.reader.asks ? read : {...read, reader: only.reader};
    },
    gaps(facts) {
      const found: Gap[] = [];
      for (const fact of facts) {
        const places = new Map<Choice['index'], Choice>();
        for (const place of ['host', 'inside'] as const) {
          const choice = chosen.get(key(fact, place));
          if (choice && !places.has(choice.index)) places.set(choice.index, choice);
        }
        for (const {index, why, instead} of places.values()) {
          const loses = fact.otherwise?.[index - 1]?.loses;
          if (loses === undefined) continue;
          found.push({
            node,
            fact: fact.name,
            reason: `${why.sentence} on node ${node}; read ${instead} instead, which does not tell ${loses}.`,
            reveal: revealOf(fact, why),
          });
        }
      }
      return found;
    },
    forget: () => chosen.clear(),
  };

  function revealOf(fact: Fact, {lacks}: Unfit): string {
    if (lacks === 'right') return AS_ROOT;
    if (lacks === 'entry') return `Install util-linux on ${node}.`;
    const tool = toolOf(fact.reader);
    const name = ['ip', 'ss', 'bridge'].includes(tool) ? 'iproute2 (4.17 or newer)' : tool;
    return `Install ${name} on ${node}.`;
  }
}
