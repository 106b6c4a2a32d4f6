import fc from 'fast-check';
import {expect, test} from 'vitest';
import {cut, lineWidth, paint, spread, styled, wrapLine} from '../../source/ui/paint.ts';
import {clean, pad, shorten, truncate, width, wrap} from '../../source/ui/text.ts';

test.each([
  ['web-1', 5],
  ['결제', 4],
  ['カート', 6],
  ['🛒', 2],
  ['e\u0301', 1],
  ['👩‍👩‍👧', 2],
])('%s takes %i cells', (text, cells) => {
  expect(width(text)).toBe(cells);
});

test.each([
  ['web-1', 5, 'web-1'],
  ['web-12', 5, 'web-…'],
  ['결제서비스', 5, '결제…'],
  // Four cells hold one wide character and the ellipsis: half of the second would be garbage.
  ['결제서비스', 4, '결…'],
  ['👩‍👩‍👧👩‍👩‍👧', 3, '👩‍👩‍👧…'],
  ['web', 1, '…'],
  ['web', 0, ''],
])('%s cut to %i cells is %s', (text, cells, expected) => {
  expect(truncate(text, cells)).toBe(expected);
});

test('padding fills to the exact width, wide characters included', () => {
  expect(pad('결제', 6)).toBe('결제  ');
  expect(pad('결제', 6, 'right')).toBe('  결제');
  expect(pad('결제서비스', 4)).toBe('결… ');
});

test('control characters, escape sequences and direction overrides never reach the terminal', () => {
  expect(clean('a\u001b[31mb\u0007c\u009b2Jd\u202ee\tf')).toBe('a[31mbc2Jde f');
  expect(paint([{text: 'x\u001b]0;title\u0007'}], true)).toBe('x]0;title');
});

test('text is wrapped at spaces, and in the middle of words only where there are none', () => {
  expect(wrap('the quick brown fox', 10)).toEqual(['the quick', 'brown fox']);
  expect(wrap('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
  expect(wrap('', 3)).toEqual(['']);
  expect(wrap('결제서비스', 5)).toEqual(['결제', '서비', '스']);
});

test('a toned line is wrapped at words, with its tones, and cut after the last line', () => {
  const line = [
    {text: 'web-1 is on '},
    {text: 'worker-1', tone: 'accent'},
    {text: ', and more follows'},
  ] as const;
  const lines = wrapLine(line, 16, 2);
  expect(lines.map(one => one.map(cell => cell.text).join(''))).toEqual(['web-1 is on ', 'worker-1, and m…']);
  expect(lines[1]?.[0]).toEqual({text: 'worker-1', tone: 'accent'});
});

test('a line that is too long ends in one ellipsis, and a right part keeps its edge', () => {
  const line = [{text: 'abc'}, {text: 'def'}];
  expect(cut(line, 6)).toEqual(line);
  expect(
    cut(line, 5)
      .map(cell => cell.text)
      .join(''),
  ).toBe('abcd…');
  expect(
    cut(line, 3)
      .map(cell => cell.text)
      .join(''),
  ).toBe('ab…');
  expect(lineWidth(spread(line, [{text: '1/9'}], 20))).toBe(20);
});

test('without colour only attributes are written, and the cursor is inverse in both', () => {
  const line = [
    {text: 'lost', tone: 'bad'},
    {text: 'x', tone: 'accent'},
  ] as const;
  expect(paint(line, true)).toBe('\u001b[1;31mlost\u001b[0m\u001b[36mx\u001b[0m');
  expect(paint(line, false)).toBe('\u001b[1mlost\u001b[0mx');
  expect(styled(line, false, true)).toEqual([
    {text: 'lost', code: '7;1'},
    {text: 'x', code: '7'},
  ]);
});

test.each([
  ['shop/cart-5f8d9c7b6c-q7w2n', 18, 'shop/cart-5f…q7w2n'],
  ['~ shop/cart-5f8d9c7b6c-q7w2n cart', 24, '~ shop/cart-5…q7w2n cart'],
  ['shop/web-7c5ddbdf54-x7f2m log-shipper', 28, 'shop/web-7…x7f2m log-shipper'],
  ['~ shop/web-7c5ddbdf54-x7f2m web (not read)', 20, '~ shop/web-7c5…x7f2m'],
  ['shop/db-0 postgres', 14, 'shop/db-0 …'],
  ['/var/run/netns/cni-3f18', 12, '/var/run…f18'],
  // A port is never cut, whatever goes for it.
  ['10.244.100.200:41822', 10, '10.…:41822'],
  ['one sentence of many words', 12, 'one sentenc…'],
  ['LISTEN', 4, 'LIS…'],
  ['결제서비스-서울-0', 9, '결제서…-0'],
  ['web-1', 5, 'web-1'],
])('the name %j in %i cells is %s', (text, cells, expected) => {
  expect(shorten(text, cells)).toBe(expected);
  expect(width(expected)).toBeLessThanOrEqual(cells);
});

test('whatever is shortened fits, and what was cut shows it', () => {
  fc.assert(
    fc.property(
      fc.string({unit: 'grapheme', maxLength: 60}),
      fc.integer({min: 1, max: 40}),
      (text, cells) => {
        const plain = clean(text);
        const short = shorten(plain, cells);
        expect(width(short)).toBeLessThanOrEqual(cells);
        if (short !== plain) expect(short).toContain('…');
      },
    ),
  );
});
