/** The house's arrows: who may import whom, each with its reason. A room sees only the rooms before it. */
import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative, resolve} from 'node:path';
import {describe, expect, test} from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../source');

/** In order; a room may import itself and every room before it. */
const ROOMS = ['wire', 'facts', 'model', 'cni', 'questions', 'views', 'ui'] as const;
type Room = (typeof ROOMS)[number];

const BANS: readonly {room: Room; what: RegExp; why: string}[] = [
  ...(['facts', 'model', 'cni', 'questions', 'views'] as const).map(room => ({
    room,
    what: /^(node:(fs|child_process|net|os|process|timers|worker_threads)|ssh2|ink|react)/,
    why: 'it is pure: bytes in, values out; nothing in it reads a clock, a file or the environment',
  })),
  {room: 'wire', what: /^(ink|react)/, why: 'adapters know nothing of the screen'},
  {room: 'ui', what: /^(ssh2|node:(net|child_process))/, why: 'the thread that draws only draws'},
];

/** Only where the program is put together may adapters be seen; everybody else sees the port. */
const ADAPTERS =
  /\/wire\/(ssh\/(?!target\.ts)|kube\/|together|local|remote|recording\/|recorder|player|prompter)/;
const PUT_TOGETHER =
  /^(worker|drive|recorder|sources|kube|kube-nodes|ssh-names|live|replay|cli\/(record|answer))\.ts$|^cli\.tsx$/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, {withFileTypes: true}).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(match => match[1]!);
}

const files = filesBelow(SOURCE);
const roomOf = (file: string) => relative(SOURCE, file).split('/')[0]!;

test('there are files to look at in every room', () => {
  for (const room of ROOMS)
    expect(files.filter(file => roomOf(file) === room).length, room).toBeGreaterThan(0);
});

describe.each(ROOMS.map((room, index) => ({room, before: ROOMS.slice(0, index + 1)})))(
  '$room',
  ({room, before}) => {
    const own = files.filter(file => roomOf(file) === room);

    test('imports only from rooms before it', () => {
      const wrong = own.flatMap(file =>
        importsOf(file)
          .filter(name => name.startsWith('.'))
          .map(name => relative(SOURCE, resolve(dirname(file), name)))
          .filter(
            target =>
              !before.some(allowed => target.startsWith(`${allowed}/`)) &&
              target !== 'version.ts' &&
              !(room === 'ui' && target === 'session.ts'),
          )
          .map(target => `${relative(SOURCE, file)} → ${target}`),
      );
      expect(wrong).toEqual([]);
    });

    test.each(BANS.filter(ban => ban.room === room))('does not import $what: $why', ({what}) => {
      const wrong = own.flatMap(file =>
        importsOf(file)
          .filter(name => what.test(name))
          .map(name => `${relative(SOURCE, file)} → ${name}`),
      );
      expect(wrong).toEqual([]);
    });
  },
);

test('adapters are seen only where the program is put together', () => {
  const wrong = files
    .filter(file => roomOf(file) !== 'wire' && !PUT_TOGETHER.test(relative(SOURCE, file)))
    .flatMap(file =>
      importsOf(file)
        .map(name => resolve(dirname(file), name))
        .filter(target => ADAPTERS.test(target))
        .map(target => `${relative(SOURCE, file)} → ${relative(SOURCE, target)}`),
    );
  expect(wrong).toEqual([]);
});

test('only the front door sees the screen: everybody else speaks to it through session.ts', () => {
  const wrong = files
    .filter(file => roomOf(file) !== 'ui' && relative(SOURCE, file) !== 'cli.tsx')
    .flatMap(file =>
      importsOf(file)
        .filter(name => name.startsWith('.'))
        .map(name => relative(SOURCE, resolve(dirname(file), name)))
        .filter(target => target.startsWith('ui/'))
        .map(target => `${relative(SOURCE, file)} → ${target}`),
    );
  expect(wrong).toEqual([]);
});

test('the port of the screen holds types and no code', () => {
  const text = readFileSync(join(SOURCE, 'session.ts'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  expect(text).not.toMatch(/^import (?!type)|^export (?!type)/m);
});

test('from facts to views nothing asks for the time', () => {
  const wrong = files
    .filter(file => ['facts', 'model', 'cni', 'questions', 'views'].includes(roomOf(file)))
    .filter(file =>
      /Date\.now\(|new Date\(\)|performance\.now\(|process\.env/.test(readFileSync(file, 'utf8')),
    );
  expect(wrong.map(file => relative(SOURCE, file))).toEqual([]);
});

test('ssh2 is imported lazily and in one file', () => {
  const eager = files.filter(file => /^import (?!type)[^;]*from 'ssh2'/m.test(readFileSync(file, 'utf8')));
  expect(eager.map(file => relative(SOURCE, file))).toEqual([]);
});
