import type {Cell, Tone} from '../views/view.ts';
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
};

/** The line as text with SGR sequences, which end with the line. `inverse` marks the row under the cursor. */
export function paint(line: Line, colour: boolean, inverse = false): string {
  const codes = inverse ? INVERTED : colour ? COLOURED : COLOURLESS;
  let out = '';
  for (const {text, tone = 'plain'} of line) {
    if (text === '') continue;
    const code = [inverse ? '7' : '', codes[tone]].filter(part => part !== '').join(';');
    out += code === '' ? clean(text) : `\u001b[${code}m${clean(text)}\u001b[0m`;
  }
  return out;
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
