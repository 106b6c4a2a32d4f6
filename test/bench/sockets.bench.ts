import {once} from 'node:events';
import {monitorEventLoopDelay} from 'node:perf_hooks';
import {Worker} from 'node:worker_threads';
import {type Bench, type Row, rounds, summary} from './harness.ts';

const SOCKETS = 1_000_000;
const NAMESPACES = 100;
const ROUNDS = 7;

const NODES = ['atlas.txt', 'borea.txt', 'cairn.txt'];
const TEXTS = [
  {what: 'without -i', files: NODES, info: false, most: 300},
  {what: 'with -i', files: NODES, info: true, most: 700},
  {what: 'without -i, every shape, half IPv6', files: ['shapes-tunaeH.txt'], info: true},
  {what: 'with -i, every shape, one line each (-O)', files: ['shapes-tunaieHO.txt'], info: true},
];

type Answer = {
  readonly ms: number;
  readonly cpu: number;
  readonly count: number;
  readonly bytes: number;
  readonly problems: number;
};

/** A million sockets parsed in a worker thread, and what the drawing thread notices of it. */
export const sockets: Bench = {
  name: 'sockets',
  title: `${SOCKETS.toLocaleString('en')} sockets in ${NAMESPACES} namespaces, parsed off the drawing thread`,
  async run(say) {
    const rows: Row[] = [];
    for (const {what, files, info, most} of TEXTS) {
      const workerData = {files, info, sockets: SOCKETS, namespaces: NAMESPACES};
      const worker = new Worker(new URL('sockets.worker.ts', import.meta.url), {workerData});
      const [{bytes: text}] = (await once(worker, 'message')) as [{bytes: number}];
      say(
        `${what}: ${(text / 1e6).toFixed(0)} MB of text; baseline: split, regular expressions, objects (a tenth, × 10)`,
      );
      const late: number[] = [];
      const cpu: number[] = [];
      let bytes = 0;
      const ask = async (which: 'parse' | 'naive') => {
        // A new one for each: a monitor that was stopped meanwhile counts the pause as a delay.
        const delay = monitorEventLoopDelay({resolution: 1});
        delay.enable();
        worker.postMessage(which);
        const [answer] = (await once(worker, 'message')) as [Answer];
        delay.disable();
        if (answer.count !== SOCKETS) throw new Error(`${which} found ${answer.count} of ${SOCKETS} sockets`);
        if (which === 'parse') {
          if (answer.problems > 0) throw new Error('the generated text was not understood');
          bytes = answer.bytes;
          cpu.push(answer.cpu);
          late.push(Math.max(0, delay.percentile(99) / 1e6 - 1));
        }
        return answer.ms;
      };
      const {ours, naive} = await rounds(ROUNDS, {ours: () => ask('parse'), naive: () => ask('naive')});
      rows.push({what, unit: 'ms', ...ours, baseline: naive.median, ...(most ? {most} : {})});
      rows.push({what: '  CPU of the worker', unit: 'ms', ...summary(cpu.slice(1))});
      rows.push({what: '  one generation of columns', unit: 'MB', median: bytes / 1e6, most: 100});
      rows.push({what: '  drawing thread late meanwhile (p99)', unit: 'ms', ...summary(late.slice(1))});
      await worker.terminate();
    }
    return rows;
  },
};
