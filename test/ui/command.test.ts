import {execFileSync} from 'node:child_process';
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {shellLines} from '../../source/ui/command.ts';
import {width} from '../../source/ui/text.ts';
import {fakeSession} from './fake-session.ts';
import {STATUS, script} from './sample-views.ts';
import {story} from './story.ts';

const FLAGS = '-n root@10.0.0.1 -n root@10.0.0.2 -n root@10.0.0.3 -i /home/me/.ssh/id_ed25519_of_the_cluster';
const command = (words: string, at?: string) =>
  ['hoptop', words, ...(at === undefined ? [] : ['--at', at]), FLAGS].join(' ');

test.each([
  [80, 24],
  [60, 20],
])('%i×%i: a command that does not fit keeps its question, and $ shows all of it', async (columns, rows) => {
  const ui = story(fakeSession(script(), STATUS), columns, rows, undefined, command);
  const frame = await ui.shows('$ hoptop overview … + source flags');
  expect(frame.split('\n').at(-1)).toMatch(/\$ shows it whole$/);
  await ui.press('$');
  const lines = (await ui.shows('── The command that prints this')).split('\n');
  const first = lines.findIndex(line => line.startsWith('hoptop'));
  const end = lines.indexOf('', first);
  expect(lines.slice(first, end).join('\n').replaceAll('\\\n', '')).toBe(command('overview'));
  await ui.press('Esc', 'q');
  expect(await ui.ended).toBe(0);
});

test('a command that fits is shown as it is', async () => {
  const ui = story(fakeSession(script(), STATUS), 200, 60, undefined, command);
  await ui.shows(` $ ${command('overview')}`);
  await ui.press('q');
});

test('in a recording that stands still, the command is of the moment on screen', async () => {
  const player = {
    from: '2026-11-05T12:02:00.000Z',
    to: '2026-11-05T12:04:10.000Z',
    at: '2026-11-05T12:03:04.500Z',
    speed: 1,
    playing: true,
    events: [],
  };
  const session = fakeSession(script(), {...STATUS, player});
  const ui = story(session, 200, 24, undefined, command);
  await ui.shows('$ hoptop overview -n');
  session.setStatus({player: {...player, playing: false}});
  await ui.shows('$ hoptop overview --at 2026-11-05T12:03:04.500Z -n');
  await ui.press('q');
});

test('a shell reads the lines of a broken command as the same words', () => {
  const words = ['hoptop', 'pod', "it's a b'", 'x'.repeat(90), `${'long words '.repeat(8)}'quoted`];
  const quote = (word: string) => (/^\w+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
  const lines = shellLines(words.map(quote).join(' '), 30);
  for (const line of lines) expect(width(line)).toBeLessThanOrEqual(30);
  const printed = execFileSync('sh', ['-c', `set -- ${lines.join('\n')}\nprintf '%s\\n' "$@"`], {
    encoding: 'utf8',
  });
  expect(printed.trimEnd().split('\n')).toEqual(words);
});

test('no line of a broken command is too long, and none of it is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[\w=/.:-]{1,90}$/), {minLength: 1, maxLength: 8}),
      fc.integer({min: 10, max: 120}),
      (words, cells) => {
        const text = words.join(' ');
        const lines = shellLines(text, cells);
        for (const line of lines) expect(width(line)).toBeLessThanOrEqual(cells);
        expect(lines.join('\n').replaceAll('\\\n', '')).toBe(text);
      },
    ),
  );
});
