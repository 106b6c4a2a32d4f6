import stringWidth from 'string-width';
import {expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import {ask} from '../../source/questions/catalogue.ts';
import type {PathAnswer} from '../../source/questions/path.ts';
import {toView} from '../../source/views/catalogue.ts';
import {labGraph} from '../questions/lab.ts';
import {shop} from './shop.ts';

function lines(graph: Graph, ...words: string[]): string[] {
  const found = ask(graph, {name: 'path', words});
  if ('missing' in found) throw new Error(found.missing);
  const drawing = toView(found).facets.find(({key}) => key === 'drawing')!.body;
  return drawing.type === 'lines' ? drawing.lines.map(cells => cells.map(({text}) => text).join('')) : [];
}

test('the way between two nodes is drawn with boxes, links, MTU and what is on the wire', async () => {
  expect(
    `\n${lines(await labGraph(), 'data/backup-0', 'shop/db-0', '--port', '5432').join('\n')}\n`,
  ).toMatchInlineSnapshot(`
    "
    there: tcp 10.244.1.4 → 10.244.2.2:5432
    ┌─ worker-1 ─────────────────────────────────────────────────────────────────┐
    │ data/backup-0 eth0 1450                                                    │
    │ vetheef136b9 1450 → cni0 1450 → flannel.1 1450 → eth0 1500                 │
    └────────────────────────────────────────────────────────────────────────────┘
              │  vxlan 1 port 8472 · 10.44.0.12 → 10.44.0.13:8472 · room 1450
    ┌─ worker-2 ─────────────────────────────────────────────────────────────────┐
    │ eth0 1500 → flannel.1 1450 → cni0 1450 → veth98d2809a 1450                 │
    │ shop/db-0 eth0 1450 ●                                                      │
    └────────────────────────────────────────────────────────────────────────────┘

    The answer takes the same way back.
    "
  `);
});

test('where it is not known how it goes on, that stands out, with what would tell', () => {
  expect(`\n${lines(shop(), 'web-1', 'db-0').join('\n')}\n`).toMatchInlineSnapshot(`
    "
    there: icmp 10.2.1.5 → 10.2.2.9
    ┌─ n1 ───────────────────────────────────────────────────────────────────────┐
    │ shop/web-1 eth0 1450                                                       │
    │ veth7 1450 → ? cni0                                                        │
    │   ? who has 10.2.1.1 is not known on cni0: it is asked of all ports        │
    │     Read the neighbours again after a packet was sent: ip neigh show       │
    │     10.2.1.1.                                                              │
    └────────────────────────────────────────────────────────────────────────────┘
    "
  `);
});

test('a drawing is never wider than 80 columns', async () => {
  const graph = await labGraph();
  const pods = graph.pods.filter(({netns}) => netns).map(({key}) => key);
  for (const to of [...pods.slice(1), '8.8.8.8', 'worker-2']) {
    for (const line of lines(graph, pods[0]!, to)) expect(stringWidth(line), line).toBeLessThanOrEqual(80);
  }
});

test('Enter opens what is under the cursor: the link, the pod at the end, the routes where none leads on', async () => {
  const graph = await labGraph();
  const opened = (...words: string[]) => {
    const found = ask(graph, {name: 'path', words}) as PathAnswer;
    const {body} = toView(found).facets[0]!;
    return body.type === 'table' ? Array.from({length: body.count}, (_, i) => body.row(i).opens) : [];
  };
  const there = opened('data/backup-0', 'shop/db-0');
  expect(there[0]).toEqual({name: 'link', words: ['data/backup-0:eth0']});
  expect(there.at(-1)).toEqual({name: 'pod', words: ['shop/db-0']});
  for (const next of [...there, ...opened('data/backup-0', '8.8.8.8')]) {
    if (next) expect(ask(graph, next), `${next.name} ${next.words}`).not.toHaveProperty('missing');
  }
});

test('what cannot be meant is said', () => {
  const said = (...words: string[]) => {
    const found = ask(shop(), {name: 'path', words});
    return 'missing' in found ? found.missing : found.question.words.join(' ');
  };
  expect(said('web-1')).toMatch(/^path needs to know which. Usage: path A B/);
  expect(said('web-1', '--port', '80')).toMatch(/^path needs two ends/);
  expect(said('web-1', 'db-0', 'db-0')).toMatch(/^path takes two ends; "db-0" is one too many/);
  expect(said('web-1', 'db-0', '--port', '0')).toMatch(/^--port takes a number from 1 to 65535/);
  expect(said('web-1', 'db-0', '--proto', 'quic')).toMatch(/^--proto is one of tcp, udp, icmp, sctp/);
  expect(said('web-1', 'nobody')).toMatch(/^No node or pod or network namespace or process is called nobody/);
  expect(said('svc/shop/web', 'db-0')).toMatch(/^No service shop\/web is in the rules of the nodes read/);
  expect(said('web-1', '10.2.2.9', '--port=80', '--proto', 'udp')).toBe(
    'shop/web-1 10.2.2.9 --port 80 --proto udp',
  );
  expect(said('web-1', 'db-0', '--port', '80', '--verify')).toBe('shop/web-1 shop/db-0 --port 80 --verify');
});

test('a lost probe leads the headline, and packets of others prove nothing', async () => {
  const found = ask(await labGraph(), {name: 'path', words: ['data/backup-0', 'shop/db-0']}) as PathAnswer;
  const headline = (received: number) => {
    const links = [
      {link: 'worker-1/eth0', way: 'out' as const, gained: 40, others: 30, moved: 'yes' as const},
    ];
    const probed = {destination: '10.0.0.1', sent: 10, received, sentence: 'All moved.', links, evidence: []};
    return toView({...found, probed} as PathAnswer)
      .summary.map(({text}) => text)
      .join('');
  };
  expect(headline(7)).toMatch(
    /^7 of 10 echo requests came back\. By the nodes’ tables: It arrives at shop\/db-0/,
  );
  expect(headline(10)).toMatch(/^It arrives at shop\/db-0.* 10 of 10 echo requests came back\. All moved\.$/);
});

test('a recording in which nobody asked the kernel says that it was not asked', async () => {
  const found = ask(await labGraph(), {
    name: 'path',
    words: ['data/backup-0', 'shop/db-0', '--verify', '--probe'],
  }) as PathAnswer;
  expect(found.verified).toMatchObject({agree: 0, disagree: 0});
  expect(found.verified!.notAsked).toBeGreaterThan(10);
  expect(found.probed).toBeUndefined();
  const summary = toView(found)
    .summary.map(({text}) => text)
    .join('');
  expect(summary).toContain('The kernel was not asked: a recording holds only what was asked then.');
});
