/**
 * `npm run bench [-- NAME…]`: runs the benches named, or all, one after the other, and prints one table each with the
 * baseline from the same run. It reports and does not judge: its exit status is 1 only when a bench broke.
 */
import {type Bench, reached, table} from './harness.ts';
import {kube} from './kube.bench.ts';
import {nodeCost} from './node-cost.bench.ts';
import {overview} from './overview.bench.ts';
import {sockets} from './sockets.bench.ts';

const BENCHES: readonly Bench[] = [sockets, nodeCost, overview, kube];

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !BENCHES.some(bench => bench.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no bench ${unknown.join(', ')}. There are: ${BENCHES.map(({name}) => name).join(', ')}.`,
  );
  process.exit(1);
}

let goals = 0;
let met = 0;
for (const bench of BENCHES) {
  if (wanted.length > 0 && !wanted.includes(bench.name)) continue;
  console.log(`\n${bench.name}: ${bench.title}`);
  const missing = bench.missing?.();
  if (missing !== undefined) {
    console.log(`  left out: ${missing}`);
    continue;
  }
  try {
    const rows = await bench.run(note => console.log(`  ${note}`));
    console.log(table(rows).replace(/^/gm, '  '));
    const judged = rows.map(reached).filter(is => is !== undefined);
    goals += judged.length;
    met += judged.filter(Boolean).length;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
console.log(`\n${met} of ${goals} goals reached on ${process.version}`);
