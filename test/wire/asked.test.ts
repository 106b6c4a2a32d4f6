import {spawnSync} from 'node:child_process';
import {expect, test} from 'vitest';
import {sweepText} from '../../source/wire/script.ts';
import type {Read, Reader} from '../../source/wire/source.ts';

const reader: Reader = {
  name: 'echo@1',
  fact: 'echo',
  scope: 'each-netns',
  command: 'cat',
  asks: {as: 'stdin', line: /[a-z]+ \d+/, usage: 'WORD N'},
  why: 'A test.',
  limit: 1000,
  timeout: 1,
};
const argument: Reader = {
  ...reader,
  command: 'no-such-program -x',
  asks: {as: 'argument', line: /[\d.]+/, usage: 'ADDRESS', otherwise: 'echo otherwise'},
};
const read = (asked: readonly string[] | undefined, of = reader): Read => ({
  node: 'a',
  reader: of,
  scope: {netns: ['1']},
  ...(asked ? {asked} : {}),
});

test.each([["x 1'; reboot; '"], ['x 1\nreboot 2'], ['$(reboot) 1'], ['x 1 '], ['X 1'], ['']])(
  '%j is not let through',
  line => {
    expect(() => sweepText(0, [read([line])])).toThrow(/cannot be asked/);
  },
);

test('asked nothing, it does not run; of two arguments neither', () => {
  expect(() => sweepText(0, [read([])])).toThrow(/cannot be asked 0 things/);
  expect(() => sweepText(0, [read(undefined)])).toThrow(/cannot be asked 0 things/);
  expect(() => sweepText(0, [read(['10.0.0.1', '10.0.0.2'], argument)])).toThrow(/cannot be asked 2 things/);
});

/** What the node runs, in a shell of this machine. */
function run(one: Read): string {
  const text = sweepText(0, [one]);
  const command = /hop_each 0 1 "\$\{3\}" ('(?:[^']|'\\'')*')/.exec(text)?.[1];
  return spawnSync(
    'sh',
    ['-c', `hop_command=${command}; hop_run() { eval "$hop_command"; }; hop_run; echo "status $?"`],
    {
      encoding: 'utf8',
    },
  ).stdout;
}

test('the lines stand before the answer', () => {
  expect(run(read(['a 1', 'b 2']))).toBe('a 1\nb 2\n\na 1\nb 2\nstatus 0\n');
});

test('where there is no such program the other one is run', () => {
  expect(run(read(['10.0.0.1'], argument))).toBe('otherwise 10.0.0.1\nstatus 0\n');
});
