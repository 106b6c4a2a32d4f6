import {mkdtempSync, rmSync} from 'node:fs';
import {Agent, get} from 'node:https';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import {Worker} from 'node:worker_threads';
import {CLUSTER_FACTS} from '../../source/facts/cluster.ts';
import {buildGraph} from '../../source/model/build.ts';
import {createSweeper} from '../../source/sweep.ts';
import {createClient} from '../../source/wire/kube/client.ts';
import {accessOf} from '../../source/wire/kube/kubeconfig.ts';
import {createKubeSource} from '../../source/wire/kube/source.ts';
import {CLUSTER} from '../../source/wire/source.ts';
import {kubeconfig} from '../wire/kube/api-server.ts';
import type {Bench, Row} from './harness.ts';

const PODS = 10_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Megabytes in use after a collection, buffers included. */
async function inUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    // Buffers are let go a moment after what held them.
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  const {heapUsed, external, arrayBuffers} = process.memoryUsage();
  return (heapUsed + external + arrayBuffers) / 1e6;
}

/** All pages, each object as it is: what is kept and how long it takes without stripping. */
async function plainly(port: number, ca: string): Promise<unknown[]> {
  const agent = new Agent({ca, keepAlive: true});
  const kept: unknown[] = [];
  for (let from = ''; ; ) {
    const page = await new Promise<{items: unknown[]; metadata: {continue?: string}}>((resolve, reject) => {
      const path = `/api/v1/pods?limit=500${from === '' ? '' : `&continue=${encodeURIComponent(from)}`}`;
      get({agent, host: '127.0.0.1', port, path}, response => {
        const parts: Buffer[] = [];
        response
          .on('data', part => parts.push(part))
          .on('end', () => resolve(JSON.parse(Buffer.concat(parts).toString())));
      }).on('error', reject);
    });
    kept.push(...page.items);
    from = page.metadata.continue ?? '';
    if (from === '') break;
  }
  agent.destroy();
  return kept;
}

/** The Kubernetes API of a large cluster: listed, kept, parsed, joined, and told again when one pod changed. */
export const kube: Bench = {
  name: 'kube',
  title: `the Kubernetes API with ${PODS} pods, against keeping what it says as it is`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'hoptop-bench-'));
    const worker = new Worker(new URL('./kube.worker.ts', import.meta.url), {
      workerData: {folder, pods: PODS},
    });
    try {
      const {port, ca} = await new Promise<{port: number; ca: string}>((resolve, reject) =>
        worker.once('message', resolve).once('error', reject),
      );
      await plainly(port, ca);
      const empty = await inUse();
      let began = performance.now();
      let plain: unknown[] | undefined = await plainly(port, ca);
      const plainTime = performance.now() - began;
      const plainMemory = (await inUse()) - empty;
      if (plain.length !== PODS) throw new Error(`${plain.length} pods were listed.`);
      plain = undefined;

      const before = await inUse();
      const text = kubeconfig({server: `https://127.0.0.1:${port}`, ca});
      const source = createKubeSource({
        connect: async () => createClient({access: accessOf([{name: 'bench', text}], undefined)}),
      });
      const sweeper = createSweeper(CLUSTER, CLUSTER_FACTS);
      const sweep = async () => {
        for await (const event of source.sweep(sweeper.due(), new AbortController().signal)) {
          if (event.type === 'reply') sweeper.reply(event);
          if (event.type === 'swept') sweeper.swept(event);
        }
      };
      const timed = async (run: () => unknown) => {
        began = performance.now();
        await run();
        return performance.now() - began;
      };
      const first = await timed(sweep);
      const memory = (await inUse()) - before;
      const idle = await timed(sweep);
      const join = await timed(() => buildGraph(new Map(), undefined, sweeper.snapshot()));
      // Its watch is open by then; the answer is told again when its time has come.
      await new Promise(resolve => setTimeout(resolve, 3000));
      const was = sweeper.snapshot()!.cluster!.pods!.sweep;
      worker.postMessage({modified: 1});
      let again = 0;
      for (let i = 0; i < 100 && sweeper.snapshot()!.cluster!.pods!.sweep === was; i++) {
        await new Promise(resolve => setTimeout(resolve, 50));
        again = await timed(sweep);
      }
      if (sweeper.snapshot()!.cluster!.pods!.sweep === was) throw new Error('The change was not told.');
      await source.close();
      const rows: Row[] = [
        {what: 'first sweep: listed, stripped, parsed', unit: 'ms', median: first, baseline: plainTime},
        {what: 'kept: stripped text, reply and rows', unit: 'MB', median: memory, baseline: plainMemory},
        {what: 'a sweep in which nothing changed', unit: 'ms', median: idle},
        {what: 'a sweep in which one pod changed', unit: 'ms', median: again},
        {what: 'joining', unit: 'ms', median: join},
      ];
      return rows;
    } finally {
      await worker.terminate();
      rmSync(folder, {recursive: true, force: true});
    }
  },
};
