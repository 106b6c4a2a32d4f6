/** What has to be written for a terminal that shows one screen to show another: only the cells that changed. */
import {isAgreed, type Row} from './cells.ts';

const ESC = '\u001b';

/** So many unchanged cells between two changed ones are written again: moving the cursor over them costs as much. */
const WORTH_MOVING = 6;

/** Blanks that are written rather than erased. */
const ERASING = 4;

/**
 * The bytes that turn `was`, which the terminal shows, into `is`; empty when they are alike. Without `was` nothing is
 * known of the screen and all of it is written. Rows must be of one width. The cursor stays where writing ended, and
 * attributes are reset at the end. Nothing is erased before it is overwritten, so nothing flickers.
 */
export function difference(was: readonly Row[] | undefined, is: readonly Row[]): string {
  const pen = makePen();
  for (const [y, row] of is.entries()) {
    const before = was?.[y];
    if (before !== row) writeRow(pen, y, before, row);
  }
  return pen.end();
}

function writeRow(pen: Pen, y: number, before: Row | undefined, row: Row): void {
  const {glyphs, codes} = row;
  const columns = glyphs.length;
  const differs = (x: number) => !before || before.glyphs[x] !== glyphs[x] || before.codes[x] !== codes[x];
  const blank = blankFrom(row);
  let x = 0;
  while (x < columns) {
    if (!differs(x)) {
      x++;
      continue;
    }
    // A wide character is written from its left half on.
    while (x > 0 && glyphs[x] === '') x--;
    let end = x + 1;
    for (let i = end; i < columns && i - end <= WORTH_MOVING; i++) if (differs(i)) end = i + 1;
    for (; x < end; x += spanOf(glyphs, x)) {
      // What is blank to the end is erased, unless it is little.
      if (x >= blank && columns - x > ERASING) {
        pen.eraseLine(y, x);
        return;
      }
      pen.write(glyphs[x]!, codes[x]!, y, x, spanOf(glyphs, x));
    }
  }
}

/** Columns that the glyph at `x` takes. */
function spanOf(glyphs: readonly string[], x: number): number {
  let end = x + 1;
  while (end < glyphs.length && glyphs[end] === '') end++;
  return end - x;
}

/** From which column on there is nothing but blanks without attributes. */
function blankFrom({glyphs, codes}: Row): number {
  let x = glyphs.length;
  while (x > 0 && glyphs[x - 1] === ' ' && codes[x - 1] === '') x--;
  return x;
}

type Pen = ReturnType<typeof makePen>;

/** Knows where the terminal's cursor is and with which attributes it writes, and says only what differs. */
function makePen() {
  let out = '';
  let code = '';
  let [atY, atX] = [-1, -1];

  const moveTo = (y: number, x: number) => {
    if (y === atY && x === atX) return;
    if (y === atY && x > atX) out += x - atX === 1 ? `${ESC}[C` : `${ESC}[${x - atX}C`;
    else out += `${ESC}[${y + 1}${x === 0 ? '' : `;${x + 1}`}H`;
    [atY, atX] = [y, x];
  };
  const attributes = (wanted: string) => {
    if (wanted === code) return;
    // From any attributes to any others: reset and set in one.
    out += wanted === '' ? `${ESC}[m` : code === '' ? `${ESC}[${wanted}m` : `${ESC}[;${wanted}m`;
    code = wanted;
  };
  return {
    write(glyph: string, wanted: string, y: number, x: number, span: number) {
      moveTo(y, x);
      attributes(wanted);
      if (isAgreed(glyph)) {
        out += glyph;
        atX = x + span;
        return;
      }
      // Terminals differ in how wide such a one is: what it may not cover is blank, and the next is put where it belongs.
      out += ' '.repeat(span);
      atY = -1;
      moveTo(y, x);
      out += glyph;
      atY = -1;
    },
    eraseLine(y: number, x: number) {
      moveTo(y, x);
      attributes('');
      out += `${ESC}[K`;
    },
    end() {
      attributes('');
      return out;
    },
  };
}
