import type {Reply} from '../wire/source.ts';
import type {Parsed, Span} from './evidence.ts';
import {textOf} from './lines.ts';
import {MASK, maskSentence} from './secrets.ts';

/**
 * The reader of a reply that hoptop did not read itself: somebody pasted the outputs of tools, perhaps several for one
 * fact (`ip link` and `ip addr`, each in its own file). Such a reply holds them as pieces: before each a line of JSON
 * with its format, where it was found and how many bytes follow, then the bytes as they were pasted, then a line feed.
 */
export const PASTED = 'pasted@1';

/** One tool's output. `format` is a reader's name and says which parser takes it. */
export type Piece = {
  readonly format: string;
  /** File that it was found in, and the line of it that it begins with, from 1. */
  readonly file?: string;
  readonly line?: number;
  /** The command that printed it, where the paste tells. */
  readonly command?: string;
  /** ISO 8601: when it was read, as far as is known. */
  readonly at?: string;
  readonly out: Uint8Array;
};

/** `from`: offset of the piece's first byte in the reply. */
export type FoundPiece = Piece & {readonly from: number};

const encoder = new TextEncoder();
const MARK = '# pasted ';

export function encodePieces(pieces: readonly Piece[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const {out, ...about} of pieces) {
    parts.push(encoder.encode(`${MARK}${JSON.stringify({...about, bytes: out.length})}\n`), out);
    parts.push(encoder.encode('\n'));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The pieces of a reply; one that was read from a node is one piece, in the format of its reader. Never throws. */
export function piecesOf({reader, out}: Pick<Reply, 'reader' | 'out'>): readonly FoundPiece[] {
  if (reader !== PASTED) return [{format: reader, from: 0, out}];
  const pieces: FoundPiece[] = [];
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(10, at);
    const head = end < 0 ? undefined : headOf(textOf(out, at, end));
    if (!head) break;
    const {bytes, ...about} = head;
    const from = end + 1;
    pieces.push({...about, from, out: out.subarray(from, from + bytes)});
    at = from + bytes + 1;
  }
  return pieces;
}

type Head = Omit<Piece, 'out'> & {readonly bytes: number};

function headOf(line: string): Head | undefined {
  if (!line.startsWith(MARK)) return undefined;
  try {
    const head: unknown = JSON.parse(line.slice(MARK.length));
    return isHead(head) ? head : undefined;
  } catch {
    return undefined;
  }
}

function isHead(value: unknown): value is Head {
  const {format, bytes} = (value ?? {}) as {format?: unknown; bytes?: unknown};
  return typeof format === 'string' && Number.isSafeInteger(bytes) && (bytes as number) >= 0;
}

/** Parses each piece by the parser of its format, or else by `usual`. Rows' byte ranges are into the reply. */
export function parsePieces<Row extends Span>(
  reply: Pick<Reply, 'reader' | 'out'>,
  usual: (out: Uint8Array) => Parsed<Row>,
  parsers: Readonly<Record<string, (out: Uint8Array) => Parsed<Row>>> = {},
): Parsed<Row> {
  const found = piecesOf(reply).map(piece => {
    const parse = Object.hasOwn(parsers, piece.format) ? parsers[piece.format]! : usual;
    const {rows, problems} = parse(piece.out);
    return {rows: shifted(rows, piece.from), problems: problems.map(problem => inFile(piece, problem))};
  });
  const [only] = found;
  if (only && found.length === 1) return only;
  return {rows: found.flatMap(({rows}) => rows), problems: found.flatMap(({problems}) => problems)};
}

/** Rows whose byte ranges counted from the beginning of a piece at `from`. */
export function shifted<Row extends Span>(rows: readonly Row[], from: number): readonly Row[] {
  return from === 0 ? rows : rows.map(row => ({...row, from: row.from + from, to: row.to + from}));
}

/** A parser's problem, with the file that it was found in. */
export function inFile({file}: Piece, problem: string): string {
  return file === undefined ? problem : `${file}: ${problem}`;
}

/** The pieces of a pasted reply, each without the secrets of its format, nor those of the line that was typed for it. */
export function redactPieces(
  out: Uint8Array,
  redact: (format: string, out: Uint8Array) => Uint8Array,
): Uint8Array {
  return encodePieces(
    piecesOf({reader: PASTED, out}).map(({from: _, command, ...piece}) => ({
      ...piece,
      ...(command !== undefined && {command: maskTyped(command)}),
      out: redact(piece.format, piece.out),
    })),
  );
}

/** What a here-string feeds to a command (`sudo -S … <<< SECRET`) is masked as a whole. */
function maskTyped(command: string): string {
  return maskSentence(command).replace(/(<<<\s*)(?:"[^"]*"|'[^']*'|\S+)/g, `$1${MASK}`);
}
