import type {Read, Reply} from './source.ts';

/**
 * The last good answer of each namespace to the readers that may be left out where nothing moved (`Reader.quiet`).
 * It belongs to one session: the node compares with what it saw in that session.
 */
export type Standing = {
  /** A sweep begins that reads these in every namespace. */
  begin(reads: readonly Read[]): void;
  keep(reply: Reply): void;
  /** The sweep has been answered whole: what it did not mention is gone. */
  end(): void;
  of(fact: string, netns: string): Reply | undefined;
  /**
   * Namespaces whose last answer failed or was cut: they have to be read again even if nothing moved. All of them when
   * none has been read.
   */
  unsound(fact: string): readonly string[] | 'all';
};

export function createStanding(): Standing {
  let held = new Map<string, Map<string, Reply>>();
  let next = new Map<string, Map<string, Reply>>();
  const bad = new Map<string, Set<string>>();
  return {
    begin(reads) {
      next = new Map(reads.map(({reader}) => [reader.fact, new Map()]));
      for (const {reader} of reads) bad.set(reader.fact, new Set());
    },
    keep(reply) {
      const {fact, netns} = reply;
      const kept = next.get(fact);
      if (!kept || netns === undefined) return;
      if (reply.exit === 0 && !reply.truncated) kept.set(netns, reply);
      else bad.get(fact)?.add(netns);
    },
    end() {
      held = new Map([...held, ...next]);
      next = new Map();
    },
    of: (fact, netns) => held.get(fact)?.get(netns),
    unsound: fact => (held.has(fact) ? [...(bad.get(fact) ?? [])] : 'all'),
  };
}
