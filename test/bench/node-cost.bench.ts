import {spawnSync} from 'node:child_process';
import {FACTS} from '../../source/facts/catalogue.ts';
import {createLocalSource} from '../../source/wire/local.ts';
import type {Read, Swept} from '../../source/wire/source.ts';
import {createWorld, type World} from '../../source/world.ts';
import {createCrowd, crowdMissing} from './crowd.ts';
import {type Bench, type Row, type Sample, summary} from './harness.ts';

const PODS = 110;
const SOCKETS = 20;
const ROUNDS = 5;
const LATER = 4;

/** What everyone writes. Its output goes nowhere, which is in its favour. */
const USUAL = `
for ns in $(stat -L -c '%i %n' /proc/[0-9]*/ns/net | sort -u -k1,1 | sed 's/.* //'); do
  nsenter --net="$ns" ss -tunape
  nsenter --net="$ns" ip -d -s addr
  nsenter --net="$ns" ip -d -s link
  nsenter --net="$ns" ip route show table all
  nsenter --net="$ns" ip neigh
done >/dev/null 2>&1
times
`;

type Cost = {readonly wall: number; readonly cpu: number};

/** What reading a node with many pods costs it, the first time and later, against the usual loop. */
export const nodeCost: Bench = {
  name: 'node-cost',
  title: `one node, ${PODS} pods with ${SOCKETS} established sockets each, read through a local shell`,
  missing: crowdMissing,
  async run(say) {
    const talking = await measure(false, say);
    const quiet = await measure(true, say);
    const {usual} = talking;
    const row = (what: string, costs: readonly Cost[], key: keyof Cost, goal: Partial<Row> = {}): Row => ({
      what: `${what}, ${key === 'cpu' ? 'CPU' : 'wall'}`,
      unit: 's',
      ...of(costs, key),
      ...(costs === usual ? {} : {baseline: of(usual, key).median}),
      ...goal,
    });
    return [
      row('usual loop', usual, 'cpu'),
      row('usual loop', usual, 'wall'),
      row('first full sweep', talking.first, 'cpu', {ratio: 3}),
      row('first full sweep', talking.first, 'wall', {most: 1.5}),
      row('later sweep, every pod talks', talking.later, 'cpu', {ratio: 8}),
      row('later sweep, every pod talks', talking.later, 'wall'),
      row('later sweep, nothing moves', quiet.later, 'cpu', {ratio: 8}),
      row('later sweep, nothing moves', quiet.later, 'wall'),
    ];
  },
};

const of = (costs: readonly Cost[], key: keyof Cost): Sample => summary(costs.map(cost => cost[key]));

async function measure(quiet: boolean, say: (note: string) => void) {
  const crowd = await createCrowd(PODS, SOCKETS, quiet);
  const usual: Cost[] = [];
  const first: Cost[] = [];
  const later: Cost[] = [];
  try {
    let said = '';
    // The first round warms up. A quiet node is only asked for its later sweeps.
    for (let round = 0; round <= ROUNDS; round++) {
      const loop = quiet ? undefined : usualLoop(crowd.shell);
      const ours = await sweeps(crowd.shell);
      said = ours.said;
      if (round === 0) continue;
      if (loop) usual.push(loop);
      first.push(ours.first);
      later.push(...ours.later);
    }
    say(`${quiet ? 'nothing moves' : 'every pod talks'}: ${said}`);
    return {usual, first, later};
  } finally {
    await crowd.end();
  }
}

function usualLoop(shell: string): Cost {
  const start = performance.now();
  const {stdout, status} = spawnSync(shell, ['-c', USUAL], {encoding: 'utf8'});
  const wall = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`The usual loop ended with status ${status}.`);
  return {wall, cpu: secondsOf(stdout)};
}

/** `times`: minutes and seconds, user and system, of the shell and of its children. */
function secondsOf(times: string): number {
  const spent = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  if (spent.length !== 4) throw new Error(`The shell's times were not understood: ${times}`);
  return spent.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/** A first sweep with what follows it at once, and some later ones, through a channel of their own. */
async function sweeps(shell: string) {
  const node = 'crowd';
  const source = createLocalSource({node, shell});
  const world = createWorld([node], FACTS, new Date().toISOString());
  const sweep = async (reads: readonly Read[]): Promise<Cost & {trips: number}> => {
    let swept: Swept | undefined;
    for await (const event of source.sweep(reads, AbortSignal.timeout(60_000))) {
      world.apply(event);
      if (event.type === 'swept') swept = event;
    }
    if (!swept) throw new Error('The node was lost while it was read.');
    return {wall: swept.wall / 1000, cpu: swept.cpu, trips: swept.trips};
  };
  try {
    const full = await sweep(world.due(node));
    const more = world.followUps(node);
    const extra = more.length > 0 ? await sweep(more) : {wall: 0, cpu: 0, trips: 0};
    check(world);
    const later: Cost[] = [];
    let trips = 0;
    for (let i = 0; i < LATER; i++) {
      const cost = await sweep(world.due(node));
      later.push(cost);
      trips = Math.max(trips, cost.trips);
    }
    check(world);
    const said = `round trips: first ${full.trips}${extra.trips ? ` + ${extra.trips}` : ''}, later ${trips}; gaps ${world.nodes[0]!.snapshot!.gaps.length}`;
    return {first: {wall: full.wall + extra.wall, cpu: full.cpu + extra.cpu}, later, said};
  } finally {
    await source.close();
  }
}

/** A sweep that read less than there is would be cheap. */
function check(world: World): void {
  const snapshot = world.nodes[0]!.snapshot!;
  const table = snapshot.sockets?.value;
  const established = table?.state.filter(state => state === 1).length;
  const spaces = [...snapshot.netns.values()];
  const linked = spaces.filter(({links}) => (links?.value.length ?? 0) >= 3).length;
  const routed = spaces.filter(({routes}) => (routes?.value.length ?? 0) > 0).length;
  if (established !== PODS * SOCKETS || linked < PODS || routed < PODS) {
    throw new Error(
      `Read ${established} established sockets of ${PODS * SOCKETS}, links of ${linked} and routes of ${routed} pods of ${PODS}.`,
    );
  }
}
