import type {Span} from './evidence.ts';
import {sanitise} from './text.ts';

/** One line of a reply, without its line feed; `from` and `to` (exclusive) are byte offsets into the reply. */
export type Line = Span & {readonly text: string};

const decoder = new TextDecoder();

/** Text of a byte range; bytes that are not UTF-8 become U+FFFD. */
export function textOf(out: Uint8Array, from: number, to: number): string {
  return decoder.decode(out.subarray(from, to));
}

/** The lines of a reply that are not empty. For facts of some thousand lines; larger ones scan bytes themselves. */
export function* linesOf(out: Uint8Array): Generator<Line> {
  let from = 0;
  while (from < out.length) {
    const to = lineEnd(out, from);
    if (to > from) yield {from, to, text: textOf(out, from, to)};
    from = to + 1;
  }
}

/** Offset of the line feed that ends the line at `from`, or the length where none does. */
export function lineEnd(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(10, from);
  return end < 0 ? bytes.length : end;
}

/** Shortens remote text for a sentence, and takes control characters out of it. */
export function quoted(text: string): string {
  const clean = sanitise(text);
  return `“${clean.length > 60 ? `${clean.slice(0, 60)}…` : clean}”`;
}

/** So many sentences about one answer are made; a person is told of fewer. */
const MOST_NOTES = 40;

/**
 * Adds what is the matter with one part of an answer. A broken or hostile one can be wrong in each of millions: beyond
 * the first of them nothing is made, and the last sentence says that there are more.
 */
export function note(problems: string[], sentence: () => string): void {
  if (problems.length < MOST_NOTES) problems.push(sentence());
  else if (problems.length === MOST_NOTES) problems.push('more of it was not understood.');
}

/** Is so much of an answer not understood that the rest of it is not worth the time? The last note says that it is missing. */
export function isHopeless(problems: readonly string[]): boolean {
  return problems.length > MOST_NOTES;
}
