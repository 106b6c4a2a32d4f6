/** Mutations that keep most of a real sample's structure, so that what is behind the first check is reached too. */
import type {Random} from './random.ts';

/** What a hostile or broken node might put in the place of a word. */
const WORDS: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '-1',
  '0',
  '1e999',
  '-0',
  'NaN',
  'Infinity',
  '4294967296',
  '18446744073709551616',
  '9007199254740993',
  '99999999999999999999999999999999',
  '0x7fffffffffffffff',
  '::',
  '::ffff:1.2.3.4',
  '[::1]:99999',
  '255.255.255.256',
  '0.0.0.0/0',
  '10.0.0.1/999',
  'fe80::1%eth0',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u009b31m',
  '\u202eevil\u2066',
  '\u200b',
  '한국어',
  '👩‍👩‍👧‍👦',
  '\\u0000',
  '\\ud800',
  '$(reboot)',
  '`id`',
  '; rm -rf /',
  "'",
  '"',
  '\\',
  '%s%n',
  '../../../../etc/passwd',
  '@ 1 00000001 all',
  '= 0',
  '! done',
  '# pasted {"format":"x","bytes":99999999999}',
  '*nat',
  ':X - [0:0]',
  '&a *a',
  '<<: *a',
  '!!js/function x',
];

const LF = 10;

/** One line replaced by what is in no format; `undefined` for a sample of less than three lines. */
export function withGarbageLine(random: Random, sample: Uint8Array): Uint8Array | undefined {
  const lines = linesOf(sample);
  if (lines.length < 3) return undefined;
  const [from, to] = lines[1 + random.below(lines.length - 1)]!;
  return joined(sample.subarray(0, from), bytes('qzx/vjw~ kkq{'), sample.subarray(to));
}

export function mutate(random: Random, samples: readonly Uint8Array[]): Uint8Array {
  let out = random.pick(samples);
  const times = 1 + random.below(random.oneIn(4) ? 12 : 3);
  for (let i = 0; i < times; i++) out = random.pick(MUTATIONS)(random, out, samples);
  return out.length > MOST ? out.subarray(0, MOST) : out;
}

/** Larger cases are for the growth of time, which is looked at apart. */
const MOST = 400_000;

type Mutation = (random: Random, out: Uint8Array, samples: readonly Uint8Array[]) => Uint8Array;

const flip: Mutation = (random, out) => {
  const copy = Uint8Array.from(out);
  for (let n = 1 + random.below(6); n > 0 && copy.length > 0; n--)
    copy[random.below(copy.length)]! ^= 1 << random.below(8);
  return copy;
};

const noise: Mutation = (random, out) => {
  const at = random.below(out.length + 1);
  const some = Uint8Array.from({length: 1 + random.below(40)}, () => random.below(256));
  return joined(out.subarray(0, at), some, out.subarray(at));
};

const truncate: Mutation = (random, out) => out.subarray(0, random.below(out.length + 1));

const behead: Mutation = (random, out) => out.subarray(random.below(out.length + 1));

const dropRange: Mutation = (random, out) => {
  const [a, b] = range(random, out.length);
  return joined(out.subarray(0, a), out.subarray(b));
};

const repeatRange: Mutation = (random, out) => {
  const [a, b] = range(random, Math.min(out.length, 4000));
  const times = random.oneIn(10) ? 400 : 2 + random.below(4);
  const part = out.subarray(a, b);
  return joined(out.subarray(0, b), ...Array.from({length: times}, () => part), out.subarray(b));
};

const swapLines: Mutation = (random, out) => {
  const lines = linesOf(out);
  if (lines.length < 2) return out;
  const one = random.pick(lines);
  const two = random.pick(lines);
  const [[a, b], [c, d]] = one[0] <= two[0] ? [one, two] : [two, one];
  if (b > c) return out;
  return joined(
    out.subarray(0, a),
    out.subarray(c, d),
    out.subarray(b, c),
    out.subarray(a, b),
    out.subarray(d),
  );
};

const spliceOther: Mutation = (random, out, samples) => {
  const other = random.pick(samples);
  const [a, b] = range(random, other.length);
  const at = random.below(out.length + 1);
  return joined(out.subarray(0, at), other.subarray(a, Math.min(b, a + 20_000)), out.subarray(at));
};

/** A run of letters, digits and dots is what most formats take for a word or a number. */
const replaceWord: Mutation = (random, out) => {
  const at = random.below(out.length + 1);
  let [from, to] = [at, at];
  while (from > 0 && isWord(out[from - 1]!)) from--;
  while (to < out.length && isWord(out[to]!)) to++;
  return joined(out.subarray(0, from), bytes(random.pick(WORDS)), out.subarray(to));
};

const insertWord: Mutation = (random, out) => {
  const at = random.below(out.length + 1);
  return joined(out.subarray(0, at), bytes(random.pick(WORDS)), out.subarray(at));
};

/** As one would put it into an object of JSON that is there. */
const insertKey: Mutation = (random, out) => {
  const at = out.indexOf(0x7b, random.below(out.length + 1));
  if (at < 0) return out;
  const key = random.pick(['__proto__', 'constructor', 'toString', 'length', '']);
  const value = random.pick(['{"polluted":1}', '[]', 'null', '1e400', '"\\u001b[2J"', '[[[[[[1]]]]]]']);
  return joined(out.subarray(0, at + 1), bytes(`${JSON.stringify(key)}:${value},`), out.subarray(at + 1));
};

/** Deep nesting, where a value stands. */
const nest: Mutation = (random, out) => {
  const at = random.pick([out.indexOf(0x3a, random.below(out.length + 1)) + 1, random.below(out.length + 1)]);
  const depth = random.pick([50, 2000, 60_000]);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['{"concat":[', ']}'],
    ['- ', ''],
  ] as const);
  return joined(out.subarray(0, at), bytes(`${open.repeat(depth)}1${close.repeat(depth)}`), out.subarray(at));
};

const longLine: Mutation = (random, out) => {
  const at = random.below(out.length + 1);
  const char = random.pick(['a', ' ', '0', ':', '[', '"', '\\', ',', '-', '\t', '.', '%', '*', '|']);
  return joined(
    out.subarray(0, at),
    bytes(char.repeat(random.pick([300, 20_000, 150_000]))),
    out.subarray(at),
  );
};

const zeros: Mutation = (random, out) => {
  const [a, b] = range(random, out.length);
  const copy = Uint8Array.from(out);
  return copy.fill(random.pick([0, 0xff, LF, 0x20, 0x80]), a, Math.min(b, a + 200));
};

const lineEnds: Mutation = (random, out) =>
  bytes(
    new TextDecoder('latin1').decode(out).replaceAll('\n', random.pick(['\r\n', '\r', '\u2028', '\n\n'])),
  );

const MUTATIONS: readonly Mutation[] = [
  flip,
  flip,
  noise,
  truncate,
  behead,
  dropRange,
  repeatRange,
  swapLines,
  swapLines,
  spliceOther,
  replaceWord,
  replaceWord,
  replaceWord,
  insertWord,
  insertWord,
  insertKey,
  insertKey,
  nest,
  longLine,
  zeros,
  lineEnds,
];

function isWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2e ||
    byte === 0x5f
  );
}

function range(random: Random, length: number): readonly [from: number, to: number] {
  const [a, b] = [random.below(length + 1), random.below(length + 1)];
  return a < b ? [a, b] : [b, a];
}

function linesOf(out: Uint8Array): (readonly [from: number, to: number])[] {
  const lines: [number, number][] = [];
  for (let from = 0; from < out.length; ) {
    const end = out.indexOf(LF, from);
    const to = end < 0 ? out.length : end;
    if (to > from) lines.push([from, to]);
    from = to + 1;
  }
  return lines;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
