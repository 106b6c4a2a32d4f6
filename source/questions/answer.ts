import type {Gap} from '../facts/evidence.ts';
import type {Question} from './question.ts';

/** What every answer carries. Each question adds its own keys beside it (to be filled by questions/). */
export type Answer = {
  readonly question: Question;
  readonly at: string;
  readonly gaps: readonly Gap[];
};
