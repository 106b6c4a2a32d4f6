import fc from 'fast-check';
import stringWidth from 'string-width';
import {expect, test} from 'vitest';
import {widthOf} from '../../source/views/width.ts';

test('every character and every pair of one plane of Unicode is as wide as the library says', () => {
  const wrong: string[] = [];
  for (let code = 0; code <= 0xffff; code++) {
    const char = String.fromCharCode(code);
    for (const text of [char, `a${char}`, `${char}→`])
      if (widthOf(text) !== stringWidth(text)) wrong.push(code.toString(16));
  }
  expect(wrong).toEqual([]);
});

test('so is any text', () => {
  const unit = fc.oneof(
    fc.string({unit: 'grapheme'}),
    fc.constantFrom('→', '─', '…', '©', '‼', '\ufe0f', '한', '👍🏽'),
  );
  fc.assert(
    fc.property(fc.array(unit), parts => {
      expect(widthOf(parts.join(''))).toBe(stringWidth(parts.join('')));
    }),
  );
});
