import {width} from '../text.ts';

/** A piece of a line with the SGR parameters it is drawn with (ECMA-48 §8.3.117), '' for none. */
export type Piece = {readonly text: string; readonly code: string};

/**
 * One row of the screen, a cell for each column: what stands in it (a grapheme; '' in the right half of a wide one) and
 * how. Both have as many entries as the screen has columns.
 */
export type Row = {readonly glyphs: readonly string[]; readonly codes: readonly string[]};

const ASCII = /^[\u0020-\u007e]*$/;
const graphemes = new Intl.Segmenter(undefined, {granularity: 'grapheme'});

/**
 * The pieces side by side in exactly `columns` cells: what is too long is left out, what is short is filled with blanks.
 * A wide character that would not fit whole leaves a blank; a combining mark is part of the grapheme that it is on.
 */
export function rowOf(pieces: readonly Piece[], columns: number): Row {
  const glyphs = new Array<string>(columns).fill(' ');
  const codes = new Array<string>(columns).fill('');
  let at = 0;
  for (const {text, code} of pieces) {
    if (at >= columns) break;
    if (ASCII.test(text)) {
      const end = Math.min(columns, at + text.length);
      for (let i = 0; at < end; i++, at++) {
        glyphs[at] = text[i]!;
        codes[at] = code;
      }
      continue;
    }
    for (const {segment} of graphemes.segment(text)) {
      const wide = width(segment);
      if (wide === 0) {
        // A mark on its own is shown on what stands before it, as a terminal does.
        if (at > 0) glyphs[glyphs[at - 1] === '' ? at - 2 : at - 1] += segment;
        continue;
      }
      if (at + wide > columns) {
        at = columns;
        break;
      }
      glyphs[at] = segment;
      codes[at] = code;
      for (let i = 1; i < wide; i++) {
        glyphs[at + i] = '';
        codes[at + i] = code;
      }
      at += wide;
    }
  }
  return {glyphs, codes};
}

/** Whether every terminal agrees how wide it is: one character that is no emoji, and nothing joined to it. */
export function isAgreed(glyph: string): boolean {
  return glyph.length === 1 && AGREED.test(glyph);
}

/**
 * ASCII, Latin letters, dashes and arrows, box drawing, blocks and braille take one column everywhere; kana, Han and
 * Hangul two.
 */
const AGREED =
  /[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u203b\u2190-\u2193\u2500-\u259f\u2800-\u28ff\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]/;
