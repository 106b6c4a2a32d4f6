import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {spawn} from '@lydell/node-pty';
import xterm from '@xterm/headless';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {bundleProgram} from './bundle.ts';

let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hoptop-restore-'));
  program = join(folder, 'program.mjs');
  await bundleProgram(program);
}, 60_000);

afterAll(() => rm(folder, {recursive: true, force: true}));

/** Runs the UI on a real pseudo-terminal until it has drawn, does `end` to it, and looks at what it left behind. */
async function leave(
  mode: string,
  end: (pty: ReturnType<typeof spawn>) => void,
  env: Record<string, string> = {},
) {
  const pty = spawn(process.execPath, [program, mode], {
    cols: 80,
    rows: 24,
    name: 'xterm-256color',
    env: {...(process.env as Record<string, string>), CI: '', ...env},
  });
  const screen = new xterm.Terminal({cols: 80, rows: 24, allowProposedApi: true});
  screen.write('$ hoptop\r\n');
  let all = '';
  let went = false;
  const exit = new Promise<{exitCode: number; signal?: number}>(resolve => pty.onExit(resolve));
  const drawn = new Promise<void>((resolve, reject) => {
    pty.onData(data => {
      all += data;
      screen.write(data);
      if (!went && all.includes('Nodes')) {
        went = true;
        resolve();
      }
    });
    void exit.then(({exitCode}) => reject(new Error(`ended with ${exitCode} before it drew:\n${all}`)));
  });
  await drawn;
  expect(screen.buffer.active.type === 'alternate' || all.includes('\u001b[?1049h')).toBe(true);
  end(pty);
  const {exitCode} = await exit;
  await new Promise<void>(done => screen.write('', done));
  const {active} = screen.buffer;
  const text = Array.from({length: 24}, (_, y) => active.getLine(y)?.translateToString(true) ?? '').join(
    '\n',
  );
  const cursorShown = all.lastIndexOf('\u001b[?25h') > all.lastIndexOf('\u001b[?25l');
  return {exitCode, buffer: active.type, text: text.trimEnd(), cursorShown, all};
}

const kill = (signal: string) => (pty: ReturnType<typeof spawn>) => process.kill(pty.pid, signal);

test.each([
  ['q', (pty: ReturnType<typeof spawn>) => pty.write('q'), 0],
  ['Ctrl-C', (pty: ReturnType<typeof spawn>) => pty.write('\u0003'), 0],
  ['SIGTERM', kill('SIGTERM'), 143],
  ['SIGINT', kill('SIGINT'), 130],
  ['SIGHUP', kill('SIGHUP'), 129],
] as const)('after %s the screen from before is back and the cursor is shown', async (_, end, code) => {
  const left = await leave('', end);
  expect(left).toMatchObject({exitCode: code, buffer: 'normal', text: '$ hoptop', cursorShown: true});
});

test.each(['crash', 'reject'])('after a %s too, and its error is on the screen that stays', async mode => {
  const left = await leave(mode, () => {});
  expect(left).toMatchObject({exitCode: 1, buffer: 'normal', cursorShown: true});
  expect(left.text).toMatch(/^\$ hoptop\nhoptop stopped because of a fault of its own\./);
  expect(left.text).toMatch(/Error: planted/);
});

test('it draws where CI is set, and without colour where NO_COLOR is', async () => {
  const left = await leave('', pty => pty.write('q'), {CI: 'true', NO_COLOR: '1'});
  expect(left.exitCode).toBe(0);
  expect(left.all).toContain('worker-2');
  expect(left.all).not.toMatch(/\u001b\[(?:[\d;]*;)?3[0-7]m/);
  const coloured = await leave('', pty => pty.write('q'));
  expect(coloured.all).toMatch(/\u001b\[(?:[\d;]*;)?3[0-7]m/);
});
