import type {Read} from '../wire/source.ts';

/** What a question asks the nodes for, beyond what is always read, because the user said so. */
export type Want = {
  readonly reads: readonly Read[];
  /** What it does, said before it is done; absent for what only reads. */
  readonly say?: string;
  /** Counters are read right before and right after, and nothing else meanwhile. */
  readonly counted?: true;
};
