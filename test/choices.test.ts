/** Which reader a node is read by: the best that it has, without a question asked about tools. */
import {describe, expect, test} from 'vitest';
import {FACTS} from '../source/facts/catalogue.ts';
import type {Fact} from '../source/facts/fact.ts';
import {readersOf} from '../source/facts/fallbacks.ts';
import {createSweeper} from '../source/sweep.ts';
import type {Read, Reply, Swept} from '../source/wire/source.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const NAMES = ['namespaces', 'network', 'sockets', 'owners', 'rules6'];
const facts = NAMES.map(name => FACTS.find(fact => fact.name === name)!) satisfies Fact[];

/** What the tools of a node say: by the name of a reader, or else nothing at all and well. */
type Says = (read: Read, netns: string | undefined) => Partial<Reply> | undefined;

const HOST = '11';
const POD = '22';
const MEMBERS = `4 ${HOST} /proc/self/ns/net\n4 ${HOST} /proc/1/ns/net\n4 ${POD} /proc/40/ns/net\n`;

function node() {
  const sweeper = createSweeper('n', facts);
  let sweep = 0;
  /** One sweep of these reads, answered by the node. */
  function turn(reads: readonly Read[], says: Says): string[] {
    sweep += 1;
    const asked: string[] = [];
    for (const read of reads) {
      const {reader, scope} = read;
      const places =
        reader.scope === 'node'
          ? [undefined]
          : typeof scope === 'string'
            ? [HOST, POD]
            : scope.netns.flatMap(one => (one === 'host' ? [HOST] : one === 'inside' ? [POD] : [one]));
      asked.push(`${reader.name} ${places.join('+')}`.trim());
      for (const netns of places) {
        const out = reader.fact === 'namespaces' ? bytes(MEMBERS) : new Uint8Array();
        sweeper.reply({
          node: 'n',
          fact: reader.fact,
          reader: reader.name,
          ...(netns !== undefined && {netns}),
          sweep,
          at: '2026-11-24T03:00:00.000Z',
          uptime: 100 + sweep,
          ms: 1,
          exit: 0,
          out,
          err: '',
          ...says(read, netns),
        });
      }
    }
    const swept: Swept = {
      node: 'n',
      swept: sweep,
      at: '',
      uptime: 100 + sweep,
      cpu: 1,
      wall: 1,
      bytes: 1,
      trips: 1,
    };
    sweeper.swept(swept);
    return asked;
  }
  /** A sweep and all that follows it; what was asked of each fact but the first, turn by turn. */
  function round(says: Says): string[][] {
    const turns = [turn(sweeper.due(), says)];
    for (let more = sweeper.followUps(); more.length > 0; more = sweeper.followUps())
      turns.push(turn(more, says));
    return turns.map(asked => asked.filter(one => !one.startsWith('stat-netns')));
  }
  return {sweeper, round};
}

const gone = (tool: string): Partial<Reply> => ({exit: 127, err: `sh: 3: ${tool}: not found\n`});
const lacks =
  (...tools: string[]): Says =>
  ({reader}) => {
    const tool = tools.find(one => reader.command.startsWith(`${one} `));
    return tool === undefined ? undefined : gone(tool);
  };
const reasons = (sweeper: ReturnType<typeof node>['sweeper']) =>
  sweeper.snapshot()!.gaps.map(({fact, reason}) => `${fact}: ${reason}`);

test('a node that has everything is asked nothing more', () => {
  const {sweeper, round} = node();
  const both = `${HOST}+${POD}`;
  const best = [`ip-batch@1 ${both}`, `ss@1 ${both}`, 'find-sockets@1', `ip-rule6@1 ${both}`];
  expect(round(() => undefined).map(turn => turn.sort())).toEqual([best.sort()]);
  expect(sweeper.snapshot()!.cost).toMatchObject({trips: 1});
});

describe('a node without iproute2', () => {
  test('is read from the kernel’s files at once, and from then on only so', () => {
    const {sweeper, round} = node();
    const says = lacks('ip', 'ss');
    const [first, second, third] = round(says);
    expect(first).toContain(`ss@1 ${HOST}+${POD}`);
    expect(second).toEqual([`proc-network@1 ${HOST}+${POD}`, `proc-sockets@1 ${HOST}+${POD}`]);
    expect(third).toBeUndefined();
    expect(sweeper.snapshot()!.cost).toMatchObject({trips: 2, cpu: 2});
    expect(round(says)).toEqual([['proc-sockets@1 11+22', 'find-sockets@1']]);
    expect(reasons(sweeper)).toContainEqual(
      expect.stringMatching(
        /^sockets: `ss` is not installed on node n; read from the kernel's own files instead, which does not tell round-trip times/,
      ),
    );
    expect(reasons(sweeper)).toContainEqual(expect.stringContaining('rules6: ip is not installed on node n'));
  });

  test('nor the kernel’s files, by netstat', () => {
    const {round} = node();
    const says: Says = (read, netns) =>
      read.reader.name === 'proc-sockets@1'
        ? {exit: 127, err: 'sh: cat: not found'}
        : lacks('ss')(read, netns);
    const names = round(says).map(turn => turn.find(one => /sockets@1 11|ss|netstat/.test(one)));
    expect(names).toEqual([
      `ss@1 ${HOST}+${POD}`,
      `proc-sockets@1 ${HOST}+${POD}`,
      `netstat@1 ${HOST}+${POD}`,
    ]);
  });

  test('where nothing is left, the last one’s failure is a gap', () => {
    const {sweeper, round} = node();
    round(({reader}) =>
      reader.fact === 'sockets' ? gone(reader.tool ?? reader.command.split(' ')[0]!) : undefined,
    );
    expect(reasons(sweeper)).toContainEqual(expect.stringContaining('netstat is not installed'));
  });
});

describe('an option that it does not know', () => {
  // iproute2 6.1.0 of `ip -qq` and `ss -Q`; busybox 1.35 of `find -lname`.
  test.each([
    ['network', 'ip-batch-text@1 11+22', {exit: 255, err: 'Option "-j" is unknown, try "ip -help".\n'}],
    ['sockets', 'ss-header@1 11+22', {exit: 255, err: "ss: invalid option -- 'H'\nUsage: ss [ OPTIONS ]\n"}],
    [
      'owners',
      'ls-sockets@1',
      {exit: 1, err: 'find: unrecognized: -lname\nBusyBox v1.35.0\n\nUsage: find …\n'},
    ],
  ])('%s: the next reader', (fact, next, said) => {
    const {round} = node();
    const best = FACTS.find(({name}) => name === fact)!.reader.name;
    const [, second] = round(({reader}) => (reader.name === best ? said : undefined));
    expect(second).toEqual([next]);
  });

  test('JSON of links only (iproute2 4.14 to 4.16)', () => {
    const {round} = node();
    const half = {
      out: bytes(
        '[{"ifindex":1,"ifname":"lo","mtu":1,"addr_info":[]}]\nunicast default via 10.0.0.1 dev eth0\n',
      ),
    };
    expect(round(({reader}) => (reader.name === 'ip-batch@1' ? half : undefined))[1]).toEqual([
      'ip-batch-text@1 11+22',
    ]);
  });

  test.each([
    {exit: 1, err: 'RTNETLINK answers: Operation not permitted\n'},
    {exit: 143, err: ''},
    {exit: 1, err: 'Command failed -:2\n', out: bytes('[]\n')},
  ])('a failure of another kind is no reason to change: %j', said => {
    const {round} = node();
    expect(round(({reader}) => (reader.name === 'ip-batch@1' ? said : undefined))).toHaveLength(1);
  });
});

test('without nsenter pods are read through their processes, and the node as ever', () => {
  const {sweeper, round} = node();
  const says: Says = ({reader}, netns) => (netns === POD && !reader.proc ? gone('nsenter') : undefined);
  const [, second] = round(says);
  expect(second).toEqual(['proc-network@1 22', 'proc-sockets@1 22']);
  const [third] = round(says);
  expect(third).toEqual(['ss@1 11', 'proc-sockets@1 22', 'find-sockets@1']);
  expect(reasons(sweeper)).toContainEqual(
    expect.stringContaining('network: `nsenter` is not installed on node n'),
  );
});

test('a tool that vanishes: what was read stands until the next reader has answered', () => {
  const {sweeper, round} = node();
  const listener = bytes('tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* ino:7 sk:1 <->\n');
  round(({reader}) => (reader.name === 'ss@1' ? {out: listener} : undefined));
  expect(sweeper.snapshot()!.sockets!.value.count).toBe(2);
  // The sweep in which it is missed, before what follows it.
  let seen: number | undefined;
  const says: Says = (read, netns) => {
    if (read.reader.name === 'proc-sockets@1') {
      seen ??= sweeper.snapshot()!.sockets!.value.count;
      return undefined;
    }
    return lacks('ss')(read, netns);
  };
  expect(round(says)).toHaveLength(2);
  expect(seen).toBe(2);
  expect(sweeper.snapshot()!.sockets!.value.count).toBe(0);
});

test('a node that was lost may come back as another one', () => {
  const {sweeper, round} = node();
  round(lacks('ss'));
  sweeper.lost();
  sweeper.forgetCadence();
  expect(round(() => undefined)[0]).toContain(`ss@1 ${HOST}+${POD}`);
});

test('a question’s own reads are asked of the reader that there is', () => {
  const {sweeper, round} = node();
  round(lacks('ip'));
  const network = facts.find(({name}) => name === 'network')!;
  const asked: Read = {node: 'n', reader: network.reader, scope: {netns: [POD]}};
  expect(sweeper.suited(asked).reader.name).toBe('proc-network@1');
});

test('every fact’s readers read the same fact in the same scope, and have names of their own', () => {
  const names = FACTS.flatMap(fact => readersOf(fact).map(({name}) => name));
  expect(new Set(names).size).toBe(names.length);
  for (const fact of FACTS)
    for (const {scope, fact: of} of readersOf(fact))
      expect([scope, of]).toEqual([fact.reader.scope, fact.name]);
});
