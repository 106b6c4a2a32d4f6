import {answerTargets} from './answer-targets.ts';
import {factTargets} from './fact-targets.ts';
import type {Target} from './target.ts';
import {wireTargets} from './wire-targets.ts';

/** Every parser, the framing, and all the way to what is printed. */
export const TARGETS: readonly Target[] = [...factTargets, ...wireTargets, ...answerTargets];
