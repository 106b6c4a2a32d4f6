import {UsageError} from '../options.ts';
import {questionFrom} from '../questions/catalogue.ts';
import type {Question} from '../questions/question.ts';

/** The question that a command line means. Throws `UsageError` with the question's usage, or near commands. */
export function readQuestion(command: string, words: readonly string[]): Question {
  const read = questionFrom(command, words);
  if ('wrong' in read) throw new UsageError(read.wrong);
  return read;
}
