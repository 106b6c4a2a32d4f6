/** `node test/ui/gallery.ts [live|slow|play|prompt]`: look at the UI over a fake session in this terminal. */
import {spawn} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {bundleProgram} from './bundle.ts';

const folder = await mkdtemp(join(tmpdir(), 'hoptop-gallery-'));
const program = join(folder, 'program.mjs');
await bundleProgram(program);
// Signals of the terminal go to the whole group: this process only waits.
process.on('SIGINT', () => {});
const child = spawn(process.execPath, [program, process.argv[2] ?? ''], {stdio: 'inherit'});
child.on('exit', async (code, signal) => {
  await rm(folder, {recursive: true});
  process.exitCode = signal ? 1 : (code ?? 1);
});
