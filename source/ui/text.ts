import stringWidth from 'string-width';

const ASCII = /^[\x20-\x7e]*$/;
const ELLIPSIS = '…';
const graphemes = new Intl.Segmenter(undefined, {granularity: 'grapheme'});

/**
 * Takes out what could steer a terminal: C0 and C1 control characters, escape sequences' introducers among them,
 * and the bidirectional overrides that can make a name read as another. A tab or line break becomes a space.
 * Text from a node was already cleaned where it was parsed; this is the last gate before the terminal.
 */
export function clean(text: string): string {
  if (ASCII.test(text)) return text;
  return text
    .replace(/[\t\n\r]/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/g, '');
}

/** Terminal cells that the text takes: 2 for Korean, Japanese, Chinese and emoji, 0 for combining marks. */
export function width(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** At most `cells` wide; what was cut off is shown by `…`. A wide character is never cut in half. */
export function truncate(text: string, cells: number): string {
  if (cells <= 0) return '';
  if (width(text) <= cells) return text;
  return take(text, cells - 1) + ELLIPSIS;
}

/** In fewer cells a head and a tail say less than a head alone. */
const NAME = 8;

/**
 * A name at most `cells` wide, cut in the middle: replicas of one workload differ only in the last letters, files only
 * in the last part of their path. What stands beside a name (a mark, a program) stays where there is room for it. A
 * port at the end stays whole. A sentence is cut at its end.
 */
export function shorten(text: string, cells: number): string {
  if (width(text) <= cells) return text;
  const words = text.split(' ');
  const longest = words.reduce((found, word, i) => (width(word) > width(words[found]!) ? i : found), 0);
  const isName = words.length <= 3 || width(words[longest]!) * 2 >= width(text);
  if (!isName) return truncate(text, cells);
  const [before, after] = [words.slice(0, longest), words.slice(longest + 1)];
  const besides = (some: readonly string[]) => some.reduce((sum, word) => sum + width(word) + 1, 0);
  // What follows goes before the name gets too short to tell it from others.
  while (after.length > 0 && cells - besides([...before, ...after]) < NAME * 2) after.pop();
  const room = cells - besides([...before, ...after]);
  if (room < 1) return truncate(text, cells);
  const short = [...before, middle(words[longest]!, room), ...after].join(' ');
  return short.includes(ELLIPSIS) ? short : truncate(`${short} ${ELLIPSIS}`, cells);
}

function middle(name: string, cells: number): string {
  if (width(name) <= cells) return name;
  const port = /:\d+$/.exec(name)?.[0].length ?? 0;
  if (port === 0 && cells < NAME) return truncate(name, cells);
  const tail = takeEnd(name, Math.min(cells - 1, Math.max(port, Math.floor((cells - 1) / 3))));
  return tail === '' ? truncate(name, cells) : take(name, cells - 1 - width(tail)) + ELLIPSIS + tail;
}

/** The longest end that is at most `cells` wide. */
export function takeEnd(text: string, cells: number): string {
  if (ASCII.test(text)) return cells > 0 ? text.slice(-cells) : '';
  let out = '';
  for (const {segment} of [...graphemes.segment(text)].reverse()) {
    if (width(segment) + width(out) > cells) break;
    out = segment + out;
  }
  return out;
}

/** Exactly `cells` wide: cut with `…`, or filled with spaces on the side away from `align`. */
export function pad(text: string, cells: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(text, cells);
  const fill = ' '.repeat(Math.max(0, cells - width(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

/** Broken into lines of at most `cells`, at spaces where there are any; never empty. */
export function wrap(text: string, cells: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (width(rest) > cells) {
    const head = take(rest, cells);
    if (head === '') break;
    const space = rest[head.length] === ' ' ? head.length : head.lastIndexOf(' ');
    const end = space > 0 ? space : head.length;
    lines.push(rest.slice(0, end));
    rest = rest.slice(rest[end] === ' ' ? end + 1 : end);
  }
  lines.push(rest);
  return lines;
}

/** The longest beginning that is at most `cells` wide. */
function take(text: string, cells: number): string {
  if (ASCII.test(text)) return text.slice(0, Math.max(0, cells));
  let used = 0;
  let out = '';
  for (const {segment} of graphemes.segment(text)) {
    const wide = width(segment);
    if (used + wide > cells) break;
    used += wide;
    out += segment;
  }
  return out;
}
