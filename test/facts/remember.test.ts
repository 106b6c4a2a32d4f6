import fc from 'fast-check';
import {expect, test, vi} from 'vitest';
import {parsePodObjects, podOf} from '../../source/facts/kube/pods.ts';
import {remembering} from '../../source/facts/kube/remember.ts';
import {fixture} from './samples.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const pods = (JSON.parse(new TextDecoder().decode(fixture('kube/pods.json'))) as {items: object[]}).items;
/** As `wire/kube/source.ts` writes it. */
const list = (items: readonly object[]) =>
  encode(
    `{"kind":"List","apiVersion":"v1","items":[\n${items.map(item => JSON.stringify({kind: 'Pod', ...item})).join(',\n')}\n]}\n`,
  );

test('of a list that comes again only what changed is parsed, and its rows are as if all had been', () => {
  const rowsOf = vi.fn(podOf);
  const parse = remembering(rowsOf, parsePodObjects);
  const changed = pods.map((pod, i) => (i === 3 ? {...pod, status: {phase: 'Failed'}} : pod));
  expect(parse(list(pods))).toEqual(parsePodObjects(list(pods)));
  expect(rowsOf).toHaveBeenCalledTimes(pods.length);
  rowsOf.mockClear();
  expect(parse(list(changed))).toEqual(parsePodObjects(list(changed)));
  expect(rowsOf).toHaveBeenCalledTimes(1);
  rowsOf.mockClear();
  expect(parse(list(changed.slice(2)))).toEqual(parsePodObjects(list(changed.slice(2))));
  expect(rowsOf).not.toHaveBeenCalled();
});

test('whatever comes after whatever, it answers as the parser does', () => {
  const item = fc.oneof(
    fc.constantFrom(...pods),
    fc.record({metadata: fc.record({name: fc.string(), namespace: fc.string()})}),
    fc.object(),
  );
  const text = fc.oneof(
    fc.array(item).map(list),
    fc.array(item, {minLength: 1}).map(items => list(items).slice(0, -3)),
    fc.string().map(line => encode(`{"kind":"List","apiVersion":"v1","items":[\n${line}\n]}\n`)),
    fc.string().map(encode),
  );
  fc.assert(
    fc.property(fc.array(text, {maxLength: 4}), texts => {
      const parse = remembering(podOf, parsePodObjects);
      for (const one of texts) expect(parse(one)).toEqual(parsePodObjects(one));
    }),
  );
});
