import {describe, expect, test} from 'vitest';
import {ask, questionFrom} from '../../source/questions/catalogue.ts';
import {toJson} from '../../source/questions/json.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {graphOf, type NodeSpec, snapshotOf} from '../model/world.ts';

const id = (letter: string) => letter.repeat(64);
const node = (address: string, sockets: NodeSpec['sockets'] = []): NodeSpec => ({
  host: '1',
  netns: {
    1: {
      links: [{ifindex: 2, name: 'eth0'}],
      addresses: [`eth0 ${address}/24`],
      routes: ['0.0.0.0/0 via 10.0.0.254 dev eth0'],
    },
  },
  processes: {1: ['1', 'init', 0], 20: ['1', 'db', 1, id('a')]},
  sandboxes: [{id: id('a'), pod: `db-${address.at(-1)}`}],
  sockets,
});
/** Node b was read at :08 and lost at :09; it is :10 now. */
const graph = graphOf({
  a: node('10.0.0.1', [{netns: '1', local: '10.0.0.1:40000', remote: '10.0.0.2:5432', pids: [20]}]),
  b: {
    snapshot: snapshotOf(
      'b',
      node('10.0.0.2', [
        {netns: '1', local: '0.0.0.0:5432', pids: [20]},
        {netns: '1', local: '10.0.0.2:5432', remote: '10.0.0.1:40000', pids: [20]},
      ]),
    ),
    state: 'dialling',
    since: '2026-01-01T00:00:09.000Z',
    cause: 'No answer from 10.0.0.2:22 for 5 s. Is it up?',
  },
});
const READ = '2026-01-01T00:00:08.000Z';
const GAP =
  'b is lost since 00:00:09: what is shown of it is 2 s old, read at 00:00:08. No answer from 10.0.0.2:22 for 5 s. Is it up?';

function answered(line: string) {
  const [name, ...words] = line.split(' ');
  const read = questionFrom(name!, words);
  if ('wrong' in read) throw new Error(read.wrong);
  const found = ask(graph, read);
  if ('missing' in found) throw new Error(found.missing);
  return {json: JSON.parse(JSON.stringify(toJson(found))), text: viewText(toView(found))};
}

describe('what is shown of a lost node is what it was', () => {
  test.each([
    ['pods', 'pods', /^shop\/db-2 .* running\?/m],
    ['node b', 'node', / · as of 00:00:08, 2s old\n/],
    ['node b', 'interfaces', /^eth0 .* UP\?/m],
    ['pod shop/db-2', 'pod', /^running\? on b .* · as of 00:00:08, 2s old$/m],
    ['sockets b', 'sockets', / ESTAB\? /],
    ['interfaces b', 'interfaces', / UP\? /],
    ['processes b', 'processes', / S\? /],
    ['process b:20', 'process', /^state +S\?$/m],
    ['routes b', 'routes', /default/],
    ['link b/eth0', 'link', /^UP\? .* · as of 00:00:08, 2s old$/m],
    ['peers a:20', 'peers', /^~ shop\/db-2 \(stale\) /m],
  ] as const)('%s', (line, key, marked) => {
    const {json, text} = answered(line);
    const rows = [json[key]].flat();
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows.filter(one => one.node !== 'a')) expect(row.asOf).toBe(READ);
    for (const row of rows.filter(one => one.node === 'a')) expect(row).not.toHaveProperty('asOf');
    expect(text).toMatch(marked);
    expect(json.gaps).toEqual([{node: 'b', fact: 'node', reason: GAP}]);
    expect(text).toContain(`NOT SEEN\n${GAP}\n`);
  });

  test('the other end of a connection is marked as well', () => {
    const {json, text} = answered('sockets a');
    expect(json.sockets[0].other).toMatchObject({
      pod: 'shop/db-2',
      join: 'both',
      grade: 'inferred',
      why: 'both ends were seen, each with the other as its remote; the other end is as of its last reading: b was last read at 00:00:08 and is not reached now',
      asOf: READ,
    });
    expect(text).toContain('shop/db-2 db (stale)');
    expect(answered('connection 10.0.0.1:40000-10.0.0.2:5432').text).toContain(
      ' · as of 00:00:08, 2s old on b\n',
    );
  });
});

test('a node that is reached has no mark', () => {
  const {json, text} = answered('routes a');
  expect(json.routes[0]).not.toHaveProperty('asOf');
  expect(json.gaps).toEqual([]);
  expect(text).not.toContain('?');
});

describe('a connection to a lost node that is newer than its last reading', () => {
  const to = (port: number, extra: object = {}) => ({
    netns: '1',
    local: `10.0.0.1:4${port}`,
    remote: `10.0.0.2:${port}`,
    ...extra,
  });
  const sockets = [to(5432), to(81), to(82, {state: 'SYN-SENT'}), to(53, {protocol: 'udp'})] as const;
  const othersWhen = (state: 'ready' | 'lost') => {
    const b = snapshotOf('b', node('10.0.0.2', [{netns: '1', local: '0.0.0.0:5432'}]));
    const found = ask(
      graphOf({a: node('10.0.0.1', sockets), b: {snapshot: b, state}}),
      questionFrom('sockets', ['a']) as Parameters<typeof ask>[1],
    );
    return (
      toJson(found as never) as {sockets: {other: {join: string; grade: string; why: string}}[]}
    ).sockets
      .map(({other}) => other)
      .sort((x, y) => (x.join < y.join ? -1 : 1));
  };

  test('is not called closed or refused', () => {
    for (const {join, grade, why} of othersWhen('lost')) {
      expect({join, grade}).toEqual({join: 'unread', grade: 'unknown'});
      expect(why).toBe(
        'the remote address is known, but b was last read at 00:00:08 and is not reached now: an end that is newer was not seen',
      );
    }
    expect(othersWhen('lost')).toHaveLength(4);
  });

  test('is so called while the node is reached', () => {
    expect(othersWhen('ready').map(({join}) => join)).toEqual(['half', 'half', 'silent', 'silent']);
  });
});
