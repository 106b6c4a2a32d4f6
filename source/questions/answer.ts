import type {Gap} from '../facts/evidence.ts';
import type {Question} from './question.ts';

/**
 * What every answer carries; each question adds its own keys beside it (see its file). An answer is plain data that
 * survives a structured clone: long lists of sockets stay columns (`SocketList`) until `toJson` or a view reads them.
 */
export type Answer = {
  /** In the words that print this answer again: full names, whatever was typed. */
  readonly question: Question;
  /** ISO 8601: the moment that ages are counted from. */
  readonly at: string;
  readonly gaps: readonly Gap[];
};

/** Why there is no answer, as a sentence, and names that were perhaps meant. */
export type Missing = {
  readonly missing: string;
  readonly suggestions: readonly string[];
  /** Nothing is missing: the words say it the wrong way. */
  readonly wrong?: true;
};
