import {noteSign} from '../views/marks.ts';
import type {Cell, Fields, Side} from '../views/view.ts';
import {cut, fill, type Line} from './paint.ts';
import {clean, pad, width, wrap} from './text.ts';

type Field = Fields['fields'][number];

/** One line of a list of fields: the first of a value carries its label. */
export type FieldLine = {
  readonly id: string;
  /** -1 for the head of a side. */
  readonly field: number;
  readonly label: string;
  /** Which side it is of, where there are two: `both` where they stand side by side. */
  readonly side?: 0 | 1 | 'both';
  readonly cells: Line;
  /** The other side, where it stands beside. */
  readonly beside?: Line;
};

/** From so many terminal cells on two sides stand side by side. */
export const WIDE = 100;
/** Between two sides: a space, what is to be looked at there, a space. */
const GUTTER = 3;

/** Begins with one of Unicode's box drawing characters. */
const DRAWN = /^\s*[\u2500-\u257f]/;

const lastLines = new WeakMap<Fields, {cells: number; lines: readonly FieldLine[]}>();

/** Cells that the labels of a list of fields take. */
export function labelWidth(fields: Fields): number {
  return fields.fields.reduce((widest, field) => Math.max(widest, width(clean(field.label))), 0);
}

/** Whether two sides stand side by side; `cells` is the width of the terminal less its margins. */
export function isSideBySide({sides}: Fields, cells: number): boolean {
  return sides !== undefined && cells + 2 >= WIDE;
}

/**
 * A value that does not fit goes on in the next line instead of being cut: a list of fields is where a person reads
 * the whole of it. A line of a drawing is cut instead: what goes on below it would stand outside its guides.
 */
export function fieldLines(fields: Fields, cells: number): readonly FieldLine[] {
  const last = lastLines.get(fields);
  if (last?.cells === cells) return last.lines;
  const room = Math.max(8, cells - labelWidth(fields) - 2);
  const ids = idsOf(fields);
  const lines = !fields.sides
    ? fields.fields.flatMap((field, at) => oneSided(field, at, ids[at]!, room))
    : isSideBySide(fields, cells)
      ? sideBySide(fields, fields.sides, ids, room)
      : stacked(fields, fields.sides, ids, room);
  lastLines.set(fields, {cells, lines});
  return lines;
}

/** What a line, at this place within it, leads to. */
export function partOf(
  {fields}: Fields,
  {field, side}: FieldLine,
  column: number | undefined,
): Side | undefined {
  const found = fields[field];
  const second = side === 1 || (side === 'both' && column !== undefined);
  return second ? found?.beside : found;
}

/** A line stays the same from one answer to the next by its label, and by which of those with that label it is. */
function idsOf({fields}: Fields): string[] {
  const times = new Map<string, number>();
  return fields.map(({label}) => {
    const nth = times.get(label) ?? 0;
    times.set(label, nth + 1);
    return `${label} ${nth}`;
  });
}

function oneSided({label, cells}: Field, field: number, id: string, room: number): FieldLine[] {
  const parts = wrapped(cells, room);
  return parts.map((part, i) => ({
    id: parts.length === 1 ? id : `${id} ${i}`,
    field,
    label: i === 0 ? label : '',
    cells: part,
  }));
}

/** One line keeps its own toned cells; of one that is broken all parts have the first one's. */
function wrapped(cells: readonly Cell[], room: number): Line[] {
  const text = clean(cells.map(cell => cell.text).join(''));
  if (width(text) <= room || DRAWN.test(text)) return [cells];
  const tone = cells.find(cell => cell.text.trim() !== '')?.tone;
  const even = cells.every(cell => (cell.tone ?? 'plain') === (tone ?? 'plain'));
  return wrap(text, room).map(part => [{text: part, ...(even && tone ? {tone} : {})}]);
}

function sideBySide(
  {fields}: Fields,
  [first, second]: readonly [string, string],
  ids: readonly string[],
  room: number,
): FieldLine[] {
  const textWidth = ({cells}: Side) => width(clean(cells.map(cell => cell.text).join('')));
  const two = fields.filter(({beside}) => beside);
  const half = Math.floor((room - GUTTER) / 2);
  const left = Math.min(half, Math.max(width(first), ...two.map(textWidth)));
  const right = room - GUTTER - left;
  const head: FieldLine = {
    id: 'head',
    field: -1,
    label: '',
    side: 'both',
    cells: fill([{text: first, tone: 'dim'}], left + GUTTER),
    beside: [{text: second, tone: 'dim'}],
  };
  const lines = fields.flatMap((field, at): FieldLine[] => {
    const {beside, label, cells, note} = field;
    if (!beside) return oneSided(field, at, ids[at]!, room);
    const [mine, theirs] = [wrapped(cells, left), wrapped(beside.cells, right)];
    return Array.from({length: Math.max(mine.length, theirs.length)}, (_, i) => ({
      id: `${ids[at]} ${i}`,
      field: at,
      label: i === 0 ? label : '',
      side: 'both' as const,
      cells: [
        ...fill(mine[i] ?? [], left),
        {text: ` ${i === 0 ? noteSign(note) : ' '} `, tone: noteTone(note)},
      ],
      beside: cut(theirs[i] ?? [], right),
    }));
  });
  return [head, ...lines];
}

function noteTone(note: Field['note']): 'bad' | 'warn' | 'plain' {
  return note === 'stalls' ? 'bad' : note === 'differs' ? 'warn' : 'plain';
}

/** All of the first side, then all of the second, then what is of neither. */
function stacked(
  {fields}: Fields,
  heads: readonly [string, string],
  ids: readonly string[],
  room: number,
): FieldLine[] {
  const side = (which: 0 | 1): FieldLine[] => [
    {id: `head ${which}`, field: -1, label: '', side: which, cells: [{text: heads[which], tone: 'strong'}]},
    ...fields.flatMap((field, at): FieldLine[] => {
      if (!field.beside) return [];
      const [mine, theirs] = which === 0 ? [field, field.beside] : [field.beside, field];
      const noted = {...field, cells: [...mine.cells, ...noteCells(field.note, mine, theirs)]};
      return oneSided(noted, at, `${which} ${ids[at]}`, room).map(line => ({...line, side: which}));
    }),
  ];
  const rest = fields.flatMap((field, at) => (field.beside ? [] : oneSided(field, at, ids[at]!, room)));
  return [...side(0), ...side(1), ...rest];
}

/** Of a stall only the side that tells of it is marked: the other's value is as it should be. */
function noteCells(note: Field['note'], mine: Side, theirs: Side): Cell[] {
  const calm = mine.cells.every(({tone = 'plain'}) => tone !== 'warn' && tone !== 'bad');
  if (!note || (note === 'stalls' && calm)) return [];
  const text = theirs.cells.map(cell => cell.text).join('');
  return [
    {text: `  ${noteSign(note)}${note === 'differs' ? ` ${text} at the other` : ''}`, tone: noteTone(note)},
  ];
}

/** A line as it is drawn; `column` is the place of the cursor within it, where the cursor is on this line. */
export function drawField(
  {label, cells, beside, side}: FieldLine,
  labels: number,
  cursor: {readonly column: number | undefined} | undefined,
): {readonly line: Line; readonly whole: boolean} {
  const head: Line = [{text: cursor ? '>' : ' '}, {text: `${pad(clean(label), labels)}  `, tone: 'dim'}];
  // A cursor on one of two sides marks that side alone.
  const marked = (line: Line, on: boolean): Line =>
    cursor && side === 'both' && on ? line.map(cell => ({...cell, tone: 'cursor' as const})) : line;
  const second = cursor?.column !== undefined;
  return {
    line: [...head, ...marked(cells, !second), ...marked(beside ?? [], second)],
    whole: side !== 'both',
  };
}
