import {text} from '../elements.ts';
import type {Parsed, Span} from '../evidence.ts';
import {textOf} from '../lines.ts';
import {isFields, type KubeObject, safely} from './objects.ts';

/** The rows of one object, and where it stands in the list. */
type Known<Row> = Span & {readonly rows: readonly Row[]};
type Last<Row> = {readonly out: Uint8Array; readonly known: readonly Known<Row>[]};

/** How far ahead an object that has not changed is looked for: others before it may have gone. */
const AHEAD = 64;

/**
 * A parser that remembers the last list it was given: of one that comes again, as that of a large cluster does whenever
 * one pod changed, only what changed is parsed. It answers as `parse` does, to which it leaves all but a list with an
 * object on each line.
 */
export function remembering<Row extends Span>(
  rowsOf: (object: KubeObject) => readonly Row[],
  parse: (out: Uint8Array) => Parsed<Row>,
): (out: Uint8Array) => Parsed<Row> {
  const none: Last<Row> = {out: new Uint8Array(), known: []};
  let last = none;
  return out => {
    const spans = itemLines(out);
    const known: Known<Row>[] = [];
    const rows: Row[] = [];
    let at = 0;
    for (const span of spans ?? []) {
      const same = unchanged(last, at, out, span);
      if (same >= 0) at = same + 1;
      const made = same >= 0 ? shifted(last.known[same]!.rows, span) : rowsIn(out, span, rowsOf);
      if (!made) break;
      known.push({...span, rows: made});
      for (const row of made) rows.push(row);
    }
    const whole = spans !== undefined && known.length === spans.length;
    last = whole ? {out, known} : none;
    return whole ? {rows, problems: []} : parse(out);
  };
}

/** Index of the same object in the last list, `at` or a little behind; -1 where there is none. */
function unchanged<Row>({out: was, known}: Last<Row>, at: number, out: Uint8Array, span: Span): number {
  const bytes = span.to - span.from;
  for (let i = at; i < Math.min(known.length, at + AHEAD); i++) {
    const {from, to} = known[i]!;
    if (to - from === bytes && equal(was, from, out, span.from, bytes)) return i;
  }
  return -1;
}

function equal(one: Uint8Array, a: number, other: Uint8Array, b: number, bytes: number): boolean {
  for (let i = 0; i < bytes; i++) if (one[a + i] !== other[b + i]) return false;
  return true;
}

function shifted<Row extends Span>(rows: readonly Row[], {from, to}: Span): readonly Row[] {
  return rows.every(row => row.from === from) ? rows : rows.map(row => ({...row, from, to}));
}

function rowsIn<Row>(
  out: Uint8Array,
  {from, to}: Span,
  rowsOf: (object: KubeObject) => readonly Row[],
): readonly Row[] | undefined {
  const fields: unknown = safely(() => JSON.parse(textOf(out, from, to)));
  const kind = isFields(fields) ? text(fields, 'kind') : undefined;
  return isFields(fields) && kind !== undefined ? rowsOf({from, to, kind, fields}) : undefined;
}

const COMMA = 0x2c;
const FIRST = Buffer.from('{"kind":"List","apiVersion":"v1","items":[\n');
const LAST = Buffer.from('\n]}\n');

/** The items of a list as `wire/kube/source.ts` writes it; undefined where it is another text. */
function itemLines(out: Uint8Array): readonly Span[] | undefined {
  const bytes = Buffer.from(out.buffer, out.byteOffset, out.byteLength);
  const end = bytes.length - LAST.length;
  if (end <= FIRST.length || !bytes.subarray(0, FIRST.length).equals(FIRST)) return undefined;
  if (!bytes.subarray(end).equals(LAST)) return undefined;
  const spans: Span[] = [];
  for (let from = FIRST.length; from < end; ) {
    const found = bytes.indexOf(10, from);
    const to = Math.min(found, end);
    spans.push({from, to: bytes[to - 1] === COMMA && to < end ? to - 1 : to});
    from = to + 1;
  }
  return spans;
}
