import type * as v from 'valibot';
import type {Graph} from '../model/graph.ts';
import type {Answer, Missing} from './answer.ts';
import type {QuestionName} from './question.ts';
import type {Want} from './want.ts';

/** One question: how it is asked, in words, and how it is answered. `catalogue.ts` lists them all. */
export type Definition<A extends Answer = Answer> = {
  readonly name: QuestionName;
  /** Words after the name, as a usage line shows them; empty when it takes none. */
  readonly usage: string;
  readonly summary: string;
  /** Fewest and most words it takes. */
  readonly words: readonly [least: number, most: number];
  /** A sentence when the words cannot be meant for it, whatever the nodes say; absent when any words can. */
  readonly problem?: (words: readonly string[]) => string | undefined;
  /** What it needs from the nodes beyond what is always read, because the words say so; none when all is there. */
  readonly wants?: (graph: Graph, words: readonly string[]) => readonly Want[];
  /** What to read again as long as its screen is open, beyond what each sweep reads: what moves without a sign of it. */
  readonly refreshes?: (graph: Graph, words: readonly string[]) => readonly Want[];
  readonly ask: (graph: Graph, words: readonly string[]) => A | Missing;
  /** Of the answer as JSON: what `toJson` gives. */
  readonly schema: v.GenericSchema;
};

export function isMissing(found: object): found is Missing {
  return 'missing' in found;
}
