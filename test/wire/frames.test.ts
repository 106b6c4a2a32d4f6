import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {cpuOf, createAnswer} from '../../source/wire/answer.ts';
import {createSplitter} from '../../source/wire/frames.ts';
import type {Read, Reply} from '../../source/wire/source.ts';
import {reader} from './contract.ts';

const nonce = '00112233445566778899aabbccddeeff';

/** What a splitter makes of a stream, pieces of body joined. */
function split(stream: Uint8Array, cuts: readonly number[]) {
  const found: (string | readonly string[])[] = [];
  const feed = createSplitter(nonce, {
    body(bytes) {
      const text = Buffer.from(bytes).toString('latin1');
      const last = found.at(-1);
      if (typeof last === 'string') found[found.length - 1] = last + text;
      else found.push(text);
    },
    mark: words => found.push(words),
  });
  for (const chunk of chunks(stream, cuts)) feed(chunk);
  return found;
}

function chunks(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map(cut => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => stream.subarray(at[index]!, end));
}

const body = fc.oneof(
  fc.uint8Array({maxLength: 300}).map(bytes => Buffer.from(bytes)),
  fc
    .constantFrom(
      nonce.slice(0, 20),
      `${nonce.slice(1)} E 0 1 2\n`,
      `${'ff'.repeat(16)} B 0 1\n`,
      '0'.repeat(40),
      '\n',
      'E 0\n',
    )
    .map(text => Buffer.from(text)),
);
const cuts = fc.array(fc.nat({max: 5000}), {maxLength: 40});

/** What a node sends for reads in namespaces: the two streams, and the replies they stand for. */
const sweepStreams = fc
  .array(fc.record({out: body, err: body, exit: fc.nat({max: 255})}), {maxLength: 6})
  .map(parts => {
    const line = (text: string) => Buffer.from(`${nonce} ${text}\n`);
    const paths = parts.slice(1).map((_, index) => `${1001 + index} /proc/${index + 2}/ns/net\n`);
    const out = [
      line('N'),
      Buffer.from(`1000\n${paths.join('')}\n`),
      ...parts.flatMap((part, index) => [
        line(`B 0 ${1000 + index}`),
        part.out,
        line(`E ${part.exit} 5.00 5.0${index}`),
      ]),
      line('D 0'),
      line('T 7 6.50'),
      Buffer.from('0m0.010000s 0m0.020000s\n0m1.000000s 0m0.500000s\n'),
      line('Z 7'),
    ];
    const err = [
      ...parts.flatMap((part, index) => [part.err, line(`e 0 ${1000 + index}`)]),
      line('d 0'),
      line('z 7'),
    ];
    return {out: Buffer.concat(out), err: Buffer.concat(err), parts};
  });

const reads: Read[] = [{node: 'n', reader: reader('ss', 'ss', {scope: 'each-netns'}), scope: 'each-netns'}];

function collect(what: readonly Read[] = reads) {
  const replies: Reply[] = [];
  const summaries: {uptime: number; cpu: number}[] = [];
  const answer = createAnswer(
    'n',
    7,
    what,
    () => 0,
    () => undefined,
    reply => replies.push(reply),
    summary => summaries.push(summary),
  );
  return {
    replies,
    summaries,
    out: createSplitter(nonce, answer.out),
    err: createSplitter(nonce, answer.err),
  };
}

describe('frames', () => {
  test('any cutting gives the same marks and bodies', () => {
    fc.assert(
      fc.property(sweepStreams, cuts, ({out}, at) => {
        expect(split(out, at)).toEqual(split(out, []));
      }),
    );
  });

  test('a mark cut after each of its bytes is found', () => {
    const stream = Buffer.from(`before${nonce} E 0 1.00 2.00\nafter`);
    for (let at = 0; at <= stream.length; at++) {
      // The end of a stream is held back as long as it could be the beginning of a nonce.
      expect(split(stream, [at])).toEqual(['before', ['E', '0', '1.00', '2.00'], 'after']);
    }
  });

  test('a nonce without a mark is body, and a mark after it is found', () => {
    expect(split(Buffer.from(`${nonce}x${nonce} K\n`), [])).toEqual([`${nonce}x`, ['K']]);
    const long = `${nonce} ${'x'.repeat(400)}\n`;
    expect(split(Buffer.from(`${long}${nonce} K\n`), [])).toEqual([long, ['K']]);
  });

  test('any bytes in, in any pieces: nothing thrown, nothing lost', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 2000}), cuts, (bytes, at) => {
        const text = split(Buffer.concat([bytes, Buffer.from('.')]), at).join('');
        expect(text).toBe(`${Buffer.from(bytes).toString('latin1')}.`);
      }),
    );
  });
});

describe('the answer to a sweep', () => {
  test('any cutting and any order of the two streams gives the same replies, byte for byte', () => {
    fc.assert(
      fc.property(sweepStreams, cuts, cuts, fc.infiniteStream(fc.boolean()), (streams, outs, errs, turns) => {
        const {replies, summaries, out, err} = collect();
        const fromOut = chunks(streams.out, outs);
        const fromErr = chunks(streams.err, errs);
        while (fromOut.length > 0 || fromErr.length > 0) {
          const first = fromErr.length === 0 || (fromOut.length > 0 && turns.next().value);
          if (first) out(fromOut.shift()!);
          else err(fromErr.shift()!);
        }
        expect(summaries).toEqual([{uptime: 6.5, cpu: 1.53}]);
        expect(
          replies.map(reply => [reply.netns, Buffer.from(reply.out).toString('latin1'), reply.exit]),
        ).toEqual(
          streams.parts.length === 0
            ? [['1000', '', 141]]
            : streams.parts.map((part, index) => [
                String(1000 + index),
                part.out.toString('latin1'),
                part.exit,
              ]),
        );
        for (const [index, part] of streams.parts.entries())
          expect(replies[index]!.err).toBe(part.err.subarray(0, 2048).toString('utf8'));
      }),
    );
  });

  test('any marks in any order never throw', () => {
    const word = fc.oneof(
      fc.constantFrom('B', 'E', 'D', 'V', 'N', 'T', 'Z', 'H', 'R', 'K', 'e', 'd', 'z'),
      fc.constantFrom(
        '0',
        '1',
        '7',
        '-',
        '-1',
        '',
        '1e9',
        '__proto__',
        '99999999999999999999',
        '1000',
        '1.00',
      ),
      fc.string({maxLength: 6}),
    );
    const mark = fc.array(word, {maxLength: 5}).map(words => Buffer.from(`${nonce} ${words.join(' ')}\n`));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.oneof(mark, body)), {maxLength: 60}), pieces => {
        const {out, err, replies} = collect();
        for (const [first, bytes] of pieces) (first ? out : err)(bytes);
        for (const reply of replies) expect(reply.out.length).toBeLessThanOrEqual(reads[0]!.reader.limit);
      }),
      {numRuns: 500},
    );
  });

  const line = (text: string) => Buffer.from(`${nonce} ${text}\n`);

  test('what was read through a process that is another one now is discarded, and says so', () => {
    const {replies, out, err} = collect();
    out(line('N'));
    out(Buffer.from('1000\n1001 /proc/5/ns/net\n1002 /proc/6/ns/net\n1003 /run/netns/x y\n'));
    for (const inode of [1000, 1001, 1002, 1003]) {
      out(line(`B 0 ${inode}`));
      out(Buffer.from('data'));
      out(line('E 0 5.00 5.01'));
      err(line(`e 0 ${inode}`));
    }
    out(line('D 0'));
    err(line('d 0'));
    out(line('V'));
    out(Buffer.from('1000 /proc/5/ns/net\n1003 /run/netns/x y\n'));
    out(line('T 7 5.01'));
    expect(replies.map(({netns, exit, out: bytes}) => [netns, exit, bytes.length])).toEqual([
      ['1000', 0, 4],
      ['1001', 1, 0],
      ['1002', 1, 0],
      ['1003', 0, 4],
    ]);
    expect(replies[1]!.err).toContain('/proc/5/ns/net');
  });

  test('nothing is handed over before it is known whether it holds', () => {
    const {replies, out, err} = collect();
    out(Buffer.concat([line('N'), Buffer.from('1000\n'), line('B 0 1000'), line('E 0 1.00 1.50')]));
    err(line('e 0 1000'));
    err(line('d 0'));
    out(line('D 0'));
    expect(replies).toEqual([]);
    out(line('T 7 1.50'));
    expect(replies).toMatchObject([{netns: '1000', ms: 500, uptime: 1.5, exit: 0}]);
  });

  test('a body beyond the limit is cut there though the node sends it', () => {
    const small: Read[] = [{node: 'n', reader: reader('a', 'a', {limit: 3}), scope: 'node'}];
    const {replies, out, err} = collect(small);
    out(Buffer.concat([line('B 0 -'), Buffer.from('12345'), line('E 0 1.00 1.00'), line('D 0')]));
    err(Buffer.concat([line('e 0 -'), line('d 0')]));
    expect(replies).toMatchObject([{truncated: true, exit: 0}]);
    expect(Buffer.from(replies[0]!.out).toString()).toBe('123');
  });

  test('times as dash, bash and busybox print them', () => {
    expect(cpuOf('0m0.010000s 0m0.020000s\n1m1.500000s 0m0.000000s\n')).toBeCloseTo(61.53);
    expect(cpuOf('0m0.003s 0m0.001s\n0m0.000s 0m0.002s\n')).toBeCloseTo(0.006);
    expect(cpuOf('0m0,25s 0m0,25s\n')).toBeCloseTo(0.5);
    expect(cpuOf('nonsense')).toBe(0);
  });
});
