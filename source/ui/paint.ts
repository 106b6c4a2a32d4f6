import type {Cell, Tone} from '../views/view.ts';
import type {Piece} from './canvas/cells.ts';
import {clean, truncate, width} from './text.ts';

/** One line of the screen, as toned pieces. Everything that is drawn is lines of these. */
export type Line = readonly Cell[];

/**
 * SGR parameters (ECMA-48 §8.3.117) of each tone. The only place where a colour is named. `dim` is the faint
 * attribute and not "bright black", which is invisible on some palettes.
 */
const COLOURED: Record<Tone, string> = {
  plain: '',
  dim: '2',
  strong: '1',
  good: '32',
  warn: '33',
  bad: '1;31',
  accent: '36',
  changed: '1;36',
  cursor: '7',
};

/** Without colour only attributes are left, so that what matters still stands out on a monochrome terminal. */
const COLOURLESS: Record<Tone, string> = {
  plain: '',
  dim: '2',
  strong: '1',
  good: '',
  warn: '1',
  bad: '1',
  accent: '',
  changed: '4',
  cursor: '7',
};

/** Under the cursor the row is one block: faint or coloured text on an inverted ground is hard to read. */
const INVERTED: Record<Tone, string> = {
  plain: '',
  dim: '',
  strong: '1',
  good: '',
  warn: '1',
  bad: '1',
  accent: '',
  changed: '4',
  cursor: '7',
};

/** The line as pieces to be drawn. `inverse` marks the row under the cursor. */
export function styled(line: Line, colour: boolean, inverse = false): Piece[] {
  const codes = inverse ? INVERTED : colour ? COLOURED : COLOURLESS;
  return line.map(({text, tone = 'plain'}) => {
    const code = codes[tone];
    return {text: clean(text), code: inverse ? (code === '' ? '7' : `7;${code}`) : code};
  });
}

/** The line as text with SGR sequences, which end with the line. */
export function paint(line: Line, colour: boolean): string {
  return styled(line, colour)
    .filter(({text}) => text !== '')
    .map(({text, code}) => (code === '' ? text : `\u001b[${code}m${text}\u001b[0m`))
    .join('');
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, cell) => sum + width(clean(cell.text)), 0);
}

/** Cuts the line to `cells`, with `…` where something was lost. */
export function cut(line: Line, cells: number): Line {
  if (lineWidth(line) <= cells) return line;
  const out: Cell[] = [];
  let left = cells;
  for (const cell of line) {
    const text = clean(cell.text);
    const wide = width(text);
    if (wide < left) {
      out.push({...cell, text});
      left -= wide;
      continue;
    }
    // Something follows, so even what would just fit gives its last cell to the `…`.
    out.push({...cell, text: truncate(wide > left ? text : `${text} `, left)});
    break;
  }
  return out;
}

/** Cut or filled to exactly `cells`. */
export function fill(line: Line, cells: number): Line {
  const short = cut(line, cells);
  const missing = cells - lineWidth(short);
  return missing > 0 ? [...short, {text: ' '.repeat(missing)}] : short;
}

/** `left` at the left edge, `right` at the right one; where both do not fit, `left` is cut. */
export function spread(left: Line, right: Line, cells: number): Line {
  const space = cells - lineWidth(right);
  return space < 1 ? cut(left, cells) : [...fill(left, space), ...right];
}

/** Broken at spaces into lines of at most `cells`, keeping the tones; what goes beyond `most` lines is cut with `…`. */
export function wrapLine(line: Line, cells: number, most: number): Line[] {
  const words = line.flatMap(({text, tone}) =>
    (clean(text).match(/\s+|\S+/g) ?? []).map((word): Cell => (tone ? {text: word, tone} : {text: word})),
  );
  const lines: Cell[][] = [[]];
  for (const [i, word] of words.entries()) {
    const current = lines.at(-1)!;
    // Punctuation that follows a toned word without a space belongs to it.
    const unit = [word, ...after(words, i)];
    if (lines.length < most && current.length > 0 && lineWidth([...current, ...unit]) > cells) {
      lines.push(word.text.trim() === '' ? [] : [word]);
    } else current.push(word);
  }
  return lines.map(one => cut(one, cells));
}

function after(words: readonly Cell[], i: number): readonly Cell[] {
  if (words[i]!.text.trim() === '') return [];
  const end = words.findIndex((word, n) => n > i && word.text.trim() === '');
  return words.slice(i + 1, end < 0 ? undefined : end);
}
