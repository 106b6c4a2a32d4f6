/**
 * `npm run fuzz -- [--for SECONDS] [--seed N] [--only WORDS] [--case SEED] [--growth]`: feeds every parser with
 * mutations of real samples until the time is up, in a worker that is watched: a case that hangs, or takes all memory,
 * is a finding as well. `--case` runs one again; `--growth` measures how time grows with the input.
 */
import {parseArgs} from 'node:util';
import {Worker} from 'node:worker_threads';
import {growths} from './growth.ts';
import {caseOf, judge} from './judge.ts';
import {TARGETS} from './targets.ts';
import type {Found, Said, Work} from './worker.ts';

const {values} = parseArgs({
  options: {
    for: {type: 'string', default: '60'},
    seed: {type: 'string', default: '1'},
    only: {type: 'string', default: ''},
    case: {type: 'string'},
    growth: {type: 'boolean', default: false},
  },
});
/** A case that takes so many seconds of CPU hangs: the largest takes one or two, however busy the machine is. */
const HANGS = 30;
const cpu = () => {
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
};
const MEMORY_MB = 1500;

const chosen = TARGETS.filter(({name}) => name.includes(values.only));
if (values.case !== undefined) await again(Number(values.case));
else if (values.growth) await grow();
else process.exit((await fuzz(Number(values.for) * 1000, Number(values.seed))) > 0 ? 1 : 0);

async function again(seed: number): Promise<void> {
  for (const target of chosen) {
    const {out} = caseOf(target, seed);
    console.log(`${target.name}: ${out.length} bytes\n${new TextDecoder().decode(out.subarray(0, 4000))}`);
    console.log(JSON.stringify(await judge(target, seed), null, 1));
  }
}

async function grow(): Promise<void> {
  for await (const {target, what, bytes, milliseconds, ratio} of growths(chosen))
    if (ratio > 7 || milliseconds > 3000)
      console.log(
        `${target}, ${what}: ${Math.round(milliseconds)} ms for ${bytes} bytes, × ${ratio.toFixed(1)} for × 4`,
      );
}

async function fuzz(time: number, seed: number): Promise<number> {
  const at = new SharedArrayBuffer(12);
  const state = new Int32Array(at);
  const findings = new Map<string, Found>();
  const slowest = new Map<string, number>();
  const skip: string[] = [];
  const began = Date.now();
  const add = (found: Found) => {
    // One sentence for each thing that is wrong, however many cases show it.
    const key = `${found.target} ${found.wrong.split('\n')[0]!.replace(/\d+/g, '#').slice(0, 90)}`;
    if (findings.has(key)) return;
    findings.set(key, found);
    console.log(
      `\n${found.target}: ${found.wrong}\n  again: npm run fuzz -- --only '${found.target}' --case ${found.seed}`,
    );
  };
  while (Date.now() - began < time) {
    const workerData: Work = {at, seed: seed + skip.length, only: values.only, skip};
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      resourceLimits: {maxOldGenerationSizeMb: MEMORY_MB},
    });
    const ended = Promise.withResolvers<string | undefined>();
    worker.on('message', ({found, slow}: Said) => {
      if (found) add(found);
      if (slow) slowest.set(slow.target, Math.max(slowest.get(slow.target) ?? 0, slow.milliseconds));
    });
    worker.on('error', error => ended.resolve(`it ended the thread: ${error.message}`));
    let before = -1;
    let since = cpu();
    const watch = setInterval(() => {
      const cases = Atomics.load(state, 2);
      if (cases !== before) [before, since] = [cases, cpu()];
      if (cpu() - since > HANGS) ended.resolve(`no end within ${HANGS} s of CPU`);
      else if (Date.now() - began > time) ended.resolve(undefined);
    }, 250);
    const wrong = await ended.promise;
    clearInterval(watch);
    await worker.terminate();
    if (wrong === undefined) break;
    const [index, caseSeed] = [Atomics.load(state, 0), Atomics.load(state, 1)];
    add({target: TARGETS[index]!.name, seed: caseSeed, wrong});
    skip.push(`${index} ${caseSeed}`);
  }
  const slow = [...slowest].sort((a, b) => b[1] - a[1]).slice(0, 5);
  console.log(
    `\n${Atomics.load(state, 2)} cases, ${chosen.length} parsers, ${Math.round((Date.now() - began) / 1000)} s, ${findings.size} findings`,
  );
  console.log(`slowest: ${slow.map(([name, ms]) => `${name} ${Math.round(ms)} ms`).join(', ')}`);
  return findings.size;
}
