import {createRequire} from 'node:module';

/**
 * Printable ASCII, letters of Latin scripts, and the dashes, dots, arrows and lines that views draw with: each takes one
 * column, and none joins with another. No format characters, no marks, nothing that a terminal may show as an emoji.
 */
const PLAIN =
  /^[\u0020-\u007e\u00a1-\u00a8\u00aa-\u00ac\u00af-\u02ff\u2010-\u2027\u2030-\u203b\u2190-\u2193\u2500-\u257f]*$/;

type Measure = (text: string) => number;
let library: Measure | undefined;

/** Columns that a text takes in a terminal. */
export function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : measure(text);
}

/** The library's tables take longer to set up than all the rest of an answer to draw, so only who needs them waits. */
function measure(text: string): number {
  // The bundle has a `require`, which the bundler sees here; run from source there is none.
  library ??= (
    typeof require === 'function' ? require('string-width') : createRequire(import.meta.url)('string-width')
  ).default as Measure;
  return library(text);
}
