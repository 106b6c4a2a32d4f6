/**
 * Makes `demo/demo.hop`: a real lab cluster with its traffic, watched over SSH for 80 seconds, in which one node's sshd
 * is stopped and started again. `node demo/record.ts`, as root, with the lab's packages and a built hoptop.
 */
import {spawn} from 'node:child_process';
import {rm} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import {down} from './lab/down.ts';
import {startSshd, stopSshd} from './lab/faults.ts';
import {fabricOf} from './lab/state.ts';
import {topologies} from './lab/topologies.ts';
import {refuseIfThere, up} from './lab/up.ts';

const NAME = 'demo';
const SECONDS = 80;
/** When the story's node is lost and when it comes back, in seconds from the start. */
const LOST = 30;
const BACK = 42;

const root = new URL('..', import.meta.url).pathname;
const file = `${root}demo/demo.hop`;
const topology = topologies[0];

await refuseIfThere(NAME);
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort('Interrupted.'));
try {
  const lab = await up(NAME, topology, step => console.error(step), interrupt.signal);
  // Slow transfers need a moment to fill their queues.
  await sleep(5000, undefined, {signal: interrupt.signal});
  await rm(file, {force: true});
  const dir = `/run/hoptop-lab/${NAME}`;
  const recorder = spawn(
    'ip',
    [
      ...['netns', 'exec', fabricOf(NAME), process.execPath, `${root}source/launcher.cjs`, 'record', file],
      ...['--for', String(SECONDS), '--inventory', `${dir}/inventory.yaml`],
      ...['-F', 'none', '-i', `${dir}/id_ed25519`, '--known-hosts', `${dir}/known_hosts`],
    ],
    {stdio: 'inherit'},
  );
  const ended = new Promise<number | null>(resolve => recorder.once('exit', resolve));
  const worker = lab.nodes.at(-1)!;
  await sleep(LOST * 1000, undefined, {signal: interrupt.signal});
  await stopSshd(lab, worker);
  await sleep((BACK - LOST) * 1000, undefined, {signal: interrupt.signal});
  await startSshd(worker);
  process.exitCode = (await ended) ?? 1;
} finally {
  await down(NAME);
}
