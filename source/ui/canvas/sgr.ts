import type {Piece} from './cells.ts';

const SEQUENCE = /\u001b\[([\d;]*)m/g;

/** Which parameters each closing one ends (ECMA-48 §8.3.117). */
const ENDS: Readonly<Record<string, RegExp>> = {
  '22': /^[12]$/,
  '23': /^3$/,
  '24': /^4$/,
  '27': /^7$/,
  '29': /^9$/,
  '39': /^(3[0-7]|9[0-7])$/,
  '49': /^(4[0-7]|10[0-7])$/,
};

/** A line with SGR sequences, as Ink writes it, as pieces. Other sequences are not expected, and would be drawn as text. */
export function piecesOf(line: string): Piece[] {
  const pieces: Piece[] = [];
  let active: string[] = [];
  let from = 0;
  const take = (to: number) => {
    if (to > from) pieces.push({text: line.slice(from, to), code: active.join(';')});
  };
  for (const match of line.matchAll(SEQUENCE)) {
    take(match.index);
    from = match.index + match[0].length;
    for (const parameter of match[1]!.split(';')) {
      const ended = ENDS[parameter];
      if (parameter === '' || parameter === '0') active = [];
      else if (ended) active = active.filter(one => !ended.test(one));
      else active.push(parameter);
    }
  }
  take(line.length);
  return pieces;
}
