import {beforeAll, expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import {ask} from '../../source/questions/catalogue.ts';
import {isMissing} from '../../source/questions/definition.ts';
import {commandOf} from '../../source/ui/command.ts';
import {toView} from '../../source/views/catalogue.ts';
import type {View} from '../../source/views/view.ts';
import {crowd} from '../questions/crowd.ts';
import {seedGraph} from '../questions/seed.ts';
import {fakeSession} from './fake-session.ts';
import {STATUS} from './sample-views.ts';
import {story} from './story.ts';

/** Fifty nodes: one that nobody reaches, a connection that one end lost, one that is missing, a node that is lost. */
let fifty: Graph;
beforeAll(async () => {
  fifty = await crowd(
    50,
    (from, to) => {
      if (from === 6 && to === 11) return {called: false};
      if (to === 20) return {called: false, calling: true};
      return from === 30 && to === 31 ? {caller: false, called: false} : {};
    },
    [40],
  );
});

function viewOf(graph: Graph, ...words: string[]): View {
  const found = ask(graph, {name: 'mesh', words});
  if (isMissing(found)) throw new Error(found.missing);
  return toView(found);
}

function open(graph: Graph, columns: number, rows: number, words: string[], also: readonly string[][] = []) {
  const script = Object.fromEntries(
    [words, ...also].map(some => [commandOf({name: 'mesh', words: some}), viewOf(graph, ...some)]),
  );
  return story(fakeSession(script, STATUS), columns, rows, {name: 'mesh', words});
}

const MESH = ['4240'];

/** A tall frame without the rows in its middle, which are all alike. */
function ends(frame: string): string {
  const lines = frame.split('\n');
  return [...lines.slice(0, 14), ' …', ...lines.slice(-7)].join('\n');
}

test('80×24: what is wrong first, then fifty nodes with a sign for each pair', async () => {
  const ui = open(fifty, 80, 24, MESH);
  expect(await ui.shows('[Troubles 3]', true)).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     mesh 4240
     49 nodes → node-21: calls without an answer (tcp/4240); 2 more troubles
     [Troubles 3]   Nodes    Ports 1    Processes 2497     1 column hidden (L)  1/3
        TROUBLE                                                     PORT      PAIRS
    ⟦>!  49 nodes → node-21: calls without an answer                 tcp/4240     49⟧
     x  node-31 → node-32: none, though others have one             tcp/4240      1
     >  node-7 → node-12: only seen from node-7: node-12 was read…  tcp/4240      1













     1 gap (! shows all)  10.44.1.41: No answer from 10.44.1.41:22.
     Enter open  Tab next part  / filter  s sort  e evidence  ? help  q quit
     $ hoptop mesh 4240"
  `);
  await ui.press('Tab');
  expect(await ui.shows('[Nodes]')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     mesh 4240
     49 nodes → node-21: calls without an answer (tcp/4240); 2 more troubles
      Troubles 3   [Nodes]   Ports 1    Processes 2497                         1/50
                             11111111112222222222333333333344444444445
                    12345678901234567890123456789012345678901234567890
    > 1 node-1      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
      2 node-2      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
      3 node-3      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
      4 node-4      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
      5 node-5      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
      6 node-6      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
      7 node-7      +++++++++++>++++++++!+++++++++++++++++++)+++++++++
      8 node-8      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
      9 node-9      ++++++++++++++++++++!+++++++++++++++++++)+++++++++
     10 node-10     ++++++++++++++++++++!+++++++++++++++++++)+++++++++
     11 node-11     ++++++++++++++++++++!+++++++++++++++++++)+++++++++
     12 node-12     ++++++++++++++++++++!+++++++++++++++++++)+++++++++
     node-1: 1 pair with it in trouble
     ! no answer  x none, others have one  > seen from the row only  + both ends
     ) the row’s end; the other not read  ( the column’s end; the other not read
     1 gap (! shows all)  10.44.1.41: No answer from 10.44.1.41:22.
     Enter open  Tab next part  Right sideways  m mark  : go to  ? help  q quit
     $ hoptop mesh 4240"
  `);
  await ui.press('l', 'j');
  expect((await ui.frame()).split('\n').at(-5)).toMatchInlineSnapshot(
    `" ! no answer  x none, others have one  > seen from the row only  + both ends"`,
  );
  await ui.press('q');
});

test('60×20: a window of the columns, which moves with the cursor', async () => {
  const ui = open(fifty, 60, 20, MESH);
  await ui.press('Tab');
  expect(await ui.shows('[Nodes]')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached      data 1 s old, every 2 s
     mesh 4240
     49 nodes → node-21: calls without an answer (tcp/4240); 2
     more troubles
      Troubles 3   [Nodes]   Ports 1    Processes 2497     1/50
     1–44 of 50              11111111112222222222333333333344444
                    12345678901234567890123456789012345678901234
    > 1 node-1      ++++++++++++++++++++!+++++++++++++++++++)+++
      2 node-2      ++++++++++++++++++++!+++++++++++++++++++)+++
      3 node-3      ++++++++++++++++++++!+++++++++++++++++++)+++
      4 node-4      ++++++++++++++++++++!+++++++++++++++++++)+++
      5 node-5      ++++++++++++++++++++!+++++++++++++++++++)+++
      6 node-6      ++++++++++++++++++++!+++++++++++++++++++)+++
      7 node-7      +++++++++++>++++++++!+++++++++++++++++++)+++
     node-1: 1 pair with it in trouble
     ! no answer  x none, others have one
     > seen from the row only  + both ends  ? not read  . none
     1 gap (! shows all)  10.44.1.41: No answer from 10.44.1.41…
     Enter open  Tab next part  Right sideways  ? help  q quit
     $ hoptop mesh 4240"
  `);
  await ui.press('G', ...Array.from({length: 45}, () => 'l'));
  expect(await ui.frame()).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached      data 1 s old, every 2 s
     mesh 4240
     49 nodes → node-21: calls without an answer (tcp/4240); 2
     more troubles
      Troubles 3   [Nodes]   Ports 1    Processes 2… 50 → 45/50
     7–50 of 50        11111111112222222222333333333344444444445
                    78901234567890123456789012345678901234567890
     44 node-44     ++++++++++++++!+++++++++++++++++++)+++++++++
     45 node-45     ++++++++++++++!+++++++++++++++++++)+++++++++
     46 node-46     ++++++++++++++!+++++++++++++++++++)+++++++++
     47 node-47     ++++++++++++++!+++++++++++++++++++)+++++++++
     48 node-48     ++++++++++++++!+++++++++++++++++++)+++++++++
     49 node-49     ++++++++++++++!+++++++++++++++++++)+++++++++
    >50 node-50     ++++++++++++++!+++++++++++++++++++)+++++++++
     node-50 → node-45: tcp/4240 seen from both ends
     ! no answer  x none, others have one
     > seen from the row only  + both ends  ? not read  . none
     1 gap (! shows all)  10.44.1.41: No answer from 10.44.1.41…
     Enter open  Tab next part  Right sideways  ? help  q quit
     $ hoptop mesh 4240"
  `);
  await ui.press('q');
});

test('120×40', async () => {
  const ui = open(fifty, 120, 40, MESH);
  await ui.press('Tab');
  expect(ends(await ui.shows('[Nodes]'))).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                                                                  data 1 s old, every 2 s
     mesh 4240
     49 nodes → node-21: calls without an answer (tcp/4240); 2 more troubles
      Troubles 3   [Nodes]   Ports 1    Processes 2497                                                                 1/50
                                       1 1 1 1 1 1 1 1 1 1 2 2 2 2 2 2 2 2 2 2 3 3 3 3 3 3 3 3 3 3 4 4 4 4 4 4 4 4 4 4 5
                     1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0
    > 1 node-1       + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
      2 node-2       + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
      3 node-3       + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
      4 node-4       + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
      5 node-5       + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
      6 node-6       + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
      7 node-7       + + + + + + + + + + + > + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
      8 node-8       + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
     …
     28 node-28      + + + + + + + + + + + + + + + + + + + + ! + + + + + + + + + + + + + + + + + + + ) + + + + + + + + +
     node-1: 1 pair with it in trouble
     ! no answer  x none, others have one  > seen from the row only  + both ends  ) the row’s end; the other not read
     ( the column’s end; the other not read  ? not read  . none
     1 gap (! shows all)  10.44.1.41: No answer from 10.44.1.41:22.
     Enter open  Tab next part  Right sideways  m mark  : go to  Space pause  ? help  q quit
     $ hoptop mesh 4240"
  `);
  await ui.press('q');
});

test('200×60', async () => {
  const ui = open(fifty, 200, 60, MESH);
  await ui.press('Tab');
  expect(ends(await ui.shows('[Nodes]'))).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                                                                                                                                                  data 1 s old, every 2 s
     mesh 4240
     49 nodes → node-21: calls without an answer (tcp/4240); 2 more troubles
      Troubles 3   [Nodes]   Ports 1    Processes 2497                                                                                                                                                 1/50
                      1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50
    > 1 node-1        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      2 node-2        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      3 node-3        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      4 node-4        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      5 node-5        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      6 node-6        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      7 node-7        +  +  +  +  +  +  +  +  +  +  +  >  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      8 node-8        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
      9 node-9        +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
     …
     49 node-49       +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
     50 node-50       +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  !  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  )  +  +  +  +  +  +  +  +  +
     node-1: 1 pair with it in trouble
     ! no answer  x none, others have one  > seen from the row only  + both ends  ) the row’s end; the other not read  ( the column’s end; the other not read  ? not read  . none
     1 gap (! shows all)  10.44.1.41: No answer from 10.44.1.41:22.
     Enter open  Tab next part  Right sideways  m mark  : go to  Space pause  ? help  q quit
     $ hoptop mesh 4240"
  `);
  await ui.press('q');
});

test('a cell opens what is under the cursor, a name its node, and Esc comes back to the cell', async () => {
  const ui = open(fifty, 80, 24, MESH, [
    ['4240', 'node-31', 'node-32'],
    ['4240', 'node-31'],
  ]);
  await ui.press('Tab', ...Array.from({length: 30}, () => 'j'));
  await ui.shows('node-31: 2 pairs with it in trouble');
  await ui.press('Enter');
  await ui.shows('› mesh 4240 node-31');
  await ui.press('Esc', ...Array.from({length: 32}, () => 'l'));
  await ui.shows('node-31 → node-32: tcp/4240 none, though others have one');
  await ui.press('Enter');
  expect(await ui.shows('› mesh 4240 node-31 node-32')).toMatch(
    /node-31 → node-32: none, though others have one/,
  );
  await ui.press('Esc');
  await ui.shows('node-31 → node-32: tcp/4240 none, though others have one');
  await ui.press('q');
});

test('one node of the seed, pasted: which addresses are nodes, and what the ports are for', async () => {
  const ui = open(seedGraph(), 80, 24, []);
  expect(await ui.shows('[Nodes]', true)).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     mesh
     3 nodes, 2 of them not read · 8 ports · 1 pair seen from both ends
     [Nodes]   Ports 8    Processes 9    Health addresses 6                     1/3
                         1   2   3
    ⟦>1 k8s-01            +   )   )⟧
     2 192.168.0.193     (   ?   ?
     3 192.168.0.108     (   ?   ?










     k8s-01: nothing is wrong, as far as was read
     + both ends  ) the row’s end; the other not read
     ( the column’s end; the other not read  ? not read  . none
     1 gap (! shows all)  k8s-01: namespaces: only what was pasted is known of it.
     Enter open  Tab next part  Right sideways  m mark  : go to  ? help  q quit
     $ hoptop mesh"
  `);
  await ui.press('Tab');
  expect(await ui.shows('[Ports 8]')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     mesh
     3 nodes, 2 of them not read · 8 ports · 1 pair seen from both ends
      Nodes   [Ports 8]   Processes 9    Health addresse… 9 columns hidden (L)  1/8
     PORT       PURPOSE                   WHAT IT IS
    >tcp/4240   ~ cilium-health           the agent’s health port: every agent pro…
     tcp/4240   ~ cilium-health-endpoint  a health endpoint: every agent probes th…
     tcp/4244   ~ hubble                  the Hubble server: Hubble Relay asks eac…
     tcp/9879   ~ cilium-healthz          the agent’s health status API; kubelet: …
     tcp/9890   ~ cilium-gops             the agent’s gops server (diagnosis of a …
     tcp/9962   ~ cilium-metrics          the agent’s Prometheus metrics
     tcp/443                              not known
     tcp/46431                            not known (this node only)








     1 gap (! shows all)  k8s-01: namespaces: only what was pasted is known of it.
     Enter open  Tab next part  / filter  s sort  e evidence  ? help  q quit
     $ hoptop mesh"
  `);
  await ui.press('Tab', 'Tab');
  expect(await ui.shows('[Health addresses 6]')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     mesh
     3 nodes, 2 of them not read · 8 ports · 1 pair seen from both ends
      Nodes    Ports 8    Processes 9   [Health addresses 6]                    1/6
     ADDRESS        IS                 NODE    WHY
    >192.168.0.108  ~ node                     its agent calls this node’s health …
     192.168.0.193  ~ node                     its agent calls this node’s health …
     192.168.0.67   node               k8s-01  the agent of k8s-01 itself listens …
     10.0.0.109     ~ health endpoint          called from cilium_host (10.0.1.76)…
     10.0.1.65      ~ health endpoint          called from cilium_host (10.0.1.76)…
     10.0.2.251     ~ health endpoint          called from cilium_host (10.0.1.76)…










     1 gap (! shows all)  k8s-01: namespaces: only what was pasted is known of it.
     Tab next part  / filter  s sort  e evidence  m mark  : go to  ? help  q quit
     $ hoptop mesh"
  `);
  await ui.press('q');
});
