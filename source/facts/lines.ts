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
