/** When a fact is read again, and what becomes of what was read before. */
import {describe, expect, test} from 'vitest';
import type {Fact} from '../source/facts/fact.ts';
import type {NamespaceMember} from '../source/facts/namespaces.ts';
import {createSweeper} from '../source/sweep.ts';
import type {Read, Reply} from '../source/wire/source.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function fact(
  name: string,
  scope: 'node' | 'each-netns',
  cadence: Fact['cadence'],
  contribute: Fact['contribute'] = () => ({}),
): Fact {
  const reader = {
    name: `${name}@1`,
    fact: name,
    scope,
    command: 'true',
    why: 'a test',
    limit: 1000,
    timeout: 1,
  };
  return {name, reader, cadence, contribute, redact: out => out};
}

const dated = <T>(reply: Reply, value: T) => ({
  sweep: reply.sweep,
  at: reply.at,
  uptime: reply.uptime,
  value,
});
const text = (reply: Reply) => decoder.decode(reply.out);

/** `namespaces` answers with inodes, `fingerprints` with `inode=print`, separated by spaces. */
const FACTS: readonly Fact[] = [
  fact('identity', 'node', {when: 'once'}),
  fact('namespaces', 'node', {when: 'sweep'}, reply => {
    const members: NamespaceMember[] = text(reply)
      .split(' ')
      .map(netns => ({netns, pid: Number(netns), from: 0, to: 0}));
    return {node: {members: dated(reply, members), hostNetns: '1'}};
  }),
  fact('fingerprints', 'node', {when: 'sweep'}, reply => ({
    node: {
      fingerprints: dated(
        reply,
        new Map(
          text(reply)
            .split(' ')
            .map(pair => pair.split('=') as [string, string]),
        ),
      ),
    },
  })),
  fact('network', 'each-netns', {when: 'change', backstop: 15}, reply => ({
    netns: new Map([
      [
        reply.netns!,
        {
          links: dated(
            reply,
            text(reply) === 'bridge'
              ? [
                  {
                    ifindex: 2,
                    name: 'cni0',
                    kind: 'bridge',
                    mtu: 1500,
                    state: 'UP',
                    flags: [],
                    from: 0,
                    to: 0,
                  },
                ]
              : [],
          ),
        },
      ],
    ]),
    gaps: text(reply) === 'bad' ? [{node: 'n', fact: 'network', netns: reply.netns!, reason: 'bad'}] : [],
  })),
  fact('forwarding', 'each-netns', {when: 'change', backstop: 15}),
  fact('sockets', 'each-netns', {when: 'sweep'}),
];

/** A node that answers every read from a table, and notes what it was asked. */
function node() {
  const sweeper = createSweeper('n', FACTS);
  let sweep = 0;
  const asked: string[][] = [];
  const say = (fact: string, out: string, netns?: string) =>
    sweeper.reply({
      node: 'n',
      fact,
      reader: `${fact}@1`,
      sweep,
      at: `2026-01-01T00:00:${String(sweep).padStart(2, '0')}.000Z`,
      uptime: sweep * 2,
      ms: 0,
      exit: 0,
      err: '',
      out: encoder.encode(out),
      ...(netns === undefined ? {} : {netns}),
    });
  function run(
    reads: readonly Read[],
    world: {all: string[]; prints: string; network?: Record<string, string>},
  ) {
    sweep++;
    asked.push(
      reads.map(read => `${read.reader.fact}${typeof read.scope === 'string' ? '' : ` ${read.scope.netns}`}`),
    );
    for (const {reader, scope} of reads) {
      const outs: Record<string, string> = {namespaces: world.all.join(' '), fingerprints: world.prints};
      if (reader.scope === 'node') say(reader.fact, outs[reader.fact] ?? '');
      else {
        const inodes =
          typeof scope === 'string' ? world.all : scope.netns.map(name => (name === 'host' ? '1' : name));
        for (const inode of inodes) say(reader.fact, world.network?.[inode] ?? '', inode);
      }
    }
    sweeper.swept({
      node: 'n',
      swept: sweep,
      at: `at ${sweep}`,
      uptime: sweep * 2,
      cpu: 0,
      wall: 0,
      bytes: 0,
      trips: 1,
    });
  }
  return {sweeper, run, asked};
}

const STEADY = ['namespaces', 'fingerprints', 'sockets'];
const world = {all: ['1', '7'], prints: '1=a 7=b', network: {'1': 'bridge'}};

describe('what is due', () => {
  test("at first everything, of FDBs the node's own; then those of other bridges; then what changes all the time", () => {
    const {sweeper, run, asked} = node();
    const nested = {...world, network: {'1': 'bridge', '7': 'bridge'}};
    run(sweeper.due(), nested);
    run(sweeper.followUps(), nested);
    expect(sweeper.followUps()).toEqual([]);
    run(sweeper.due(), nested);
    const all = ['identity', 'namespaces', 'fingerprints', 'network', 'forwarding host', 'sockets'];
    expect(asked).toEqual([all, ['forwarding 7'], STEADY]);
  });

  test('a changed fingerprint makes that namespace due, and only that one', () => {
    const {sweeper, run, asked} = node();
    run(sweeper.due(), world);
    run(sweeper.followUps(), world);
    run(sweeper.due(), {...world, prints: '1=a 7=changed'});
    run(sweeper.due(), {...world, prints: '1=a 7=changed'});
    run(sweeper.due(), {...world, prints: '1=a 7=changed'});
    expect(asked.slice(2)).toEqual([STEADY, ['namespaces', 'fingerprints', 'network 7', 'sockets'], STEADY]);
  });

  test('a new namespace is read as soon as it is known', () => {
    const {sweeper, run, asked} = node();
    run(sweeper.due(), world);
    run(sweeper.followUps(), world);
    const grown = {...world, all: ['1', '7', '9'], prints: '1=a 7=b 9=c'};
    run(sweeper.due(), grown);
    run(sweeper.due(), grown);
    expect(asked[3]).toContain('network 9');
  });

  test('without any change the backstop reads again', () => {
    const {sweeper, run, asked} = node();
    run(sweeper.due(), world);
    run(sweeper.followUps(), world);
    for (let i = 0; i < 16; i++) run(sweeper.due(), world);
    const again = asked.slice(2).filter(reads => reads.some(read => read.startsWith('network')));
    expect(again).toHaveLength(1);
  });
});

describe('a fact that another one makes due', () => {
  const members = (reply: Reply) => [{container: text(reply), pid: 1, from: 0, to: 0}];
  const facts: readonly Fact[] = [
    {
      ...fact('sandboxes', 'node', {when: 'change', backstop: 100}),
      dueWhen: ({memberships}) => memberships?.value[0]?.container ?? '',
    },
    fact('memberships', 'node', {when: 'sweep'}, reply => ({
      node: {memberships: dated(reply, members(reply))},
    })),
  ];

  test('is read again when that one shows something else, and not before', () => {
    const sweeper = createSweeper('n', facts);
    const asked: string[][] = [];
    for (const [index, container] of ['a', 'a', 'a', 'b', 'b', 'b'].entries()) {
      const sweep = index + 1;
      const reads = sweeper.due();
      asked.push(reads.map(read => read.reader.fact));
      const reply = {node: 'n', reader: 'x', sweep, at: '', uptime: 0, ms: 0, exit: 0, err: ''};
      for (const {reader} of reads)
        sweeper.reply({...reply, fact: reader.fact, out: encoder.encode(container)});
      sweeper.swept({node: 'n', swept: sweep, at: '', uptime: 0, cpu: 0, wall: 0, bytes: 0, trips: 1});
    }
    const both = ['sandboxes', 'memberships'];
    const one = ['memberships'];
    // It is asked in the same sweep as what makes it due, so it follows one sweep later.
    expect(asked).toEqual([both, both, one, one, both, one]);
  });
});

describe('a quiet reader', () => {
  const quiet = {...fact('sockets', 'each-netns', {when: 'sweep'}), fresh: () => ['7']};
  const facts = [{...quiet, reader: {...quiet.reader, quiet: true as const}}];

  /** What the sweeps of a node, so many seconds apart, are told to read all the same. */
  function freshOf(seconds: number, sweeps: number) {
    const sweeper = createSweeper('n', facts);
    return Array.from({length: sweeps}, (_, index) => {
      const [read] = sweeper.due();
      const sweep = index + 1;
      const uptime = 1000 + index * seconds;
      const reply = {node: 'n', reader: 'x', sweep, at: '', uptime, ms: 0, exit: 0, err: '', netns: '7'};
      sweeper.reply({...reply, fact: 'sockets', out: encoder.encode('')});
      sweeper.swept({node: 'n', swept: sweep, at: '', uptime, cpu: 0, wall: 0, bytes: 0, trips: 1});
      return read?.fresh;
    });
  }

  test('is told what to read all the same, and everything at first and every half a minute', () => {
    const fresh = freshOf(2, 40);
    const all = fresh.flatMap((each, index) => (each === 'all' ? [index] : []));
    // Until two sweeps tell how far apart they are, everything is read.
    expect(all).toEqual([0, 1, 16, 31]);
    expect(fresh[2]).toEqual(['7']);
  });

  test('where sweeps are far apart, everything is read every time', () => {
    expect(new Set(freshOf(60, 5))).toEqual(new Set(['all']));
  });
});

test('a sweep that was asked for before everything became due does not make up for it', () => {
  const {sweeper, run} = node();
  run(sweeper.due(), world);
  const under = sweeper.due();
  sweeper.forgetCadence();
  run(under, world);
  expect(sweeper.due().map(read => read.reader.fact)).toContain('identity');
  run(sweeper.due(), world);
  expect(sweeper.due().map(read => read.reader.fact)).not.toContain('identity');
});

describe('what becomes of it', () => {
  test('a namespace that is gone takes its facts and gaps with it', () => {
    const {sweeper, run} = node();
    run(sweeper.due(), {...world, network: {'1': 'bridge', '7': 'bad'}});
    expect(sweeper.snapshot()?.gaps).toHaveLength(1);
    run(sweeper.due(), {...world, all: ['1'], prints: '1=a'});
    expect([...sweeper.snapshot()!.netns.keys()]).toEqual(['1']);
    expect(sweeper.snapshot()?.gaps).toEqual([]);
  });

  test('follow-ups complete a moment, they do not make a new one to take rates from', () => {
    const {sweeper, run} = node();
    run(sweeper.due(), world);
    run(sweeper.followUps(), world);
    expect(sweeper.previous()).toBeUndefined();
    run(sweeper.due(), world);
    expect(sweeper.previous()?.sweep).toBe(2);
  });

  test('replies are understood in the order of the facts, whatever order they come in', () => {
    const {sweeper, run} = node();
    run([...sweeper.due()].reverse(), world);
    expect(sweeper.snapshot()?.netns.get('1')?.links?.value[0]?.name).toBe('cni0');
    expect(sweeper.snapshot()?.hostNetns).toBe('1');
    const seen: string[] = [];
    const noting = FACTS.map(each => ({
      ...each,
      contribute: (reply: Reply, soFar: Parameters<Fact['contribute']>[1]) => {
        seen.push(reply.fact);
        return each.contribute(reply, soFar);
      },
    }));
    const other = createSweeper('n', noting);
    for (const fact of ['fingerprints', 'namespaces', 'identity']) {
      const reply = {node: 'n', fact, reader: 'x', sweep: 1, at: '', uptime: 0, ms: 0, exit: 0, err: ''};
      other.reply({...reply, out: encoder.encode('1')});
    }
    other.swept({node: 'n', swept: 1, at: '', uptime: 0, cpu: 0, wall: 0, bytes: 0, trips: 1});
    expect(seen).toEqual(['identity', 'namespaces', 'fingerprints']);
  });

  test('evidence is held for the newest reply and is said to be gone after it', () => {
    const {sweeper, run} = node();
    run(sweeper.due(), world);
    const evidence = {node: 'n', fact: 'namespaces', sweep: 1, from: 0, to: 1};
    expect(sweeper.evidence(evidence)?.sweep).toBe(1);
    run(sweeper.due(), world);
    expect(sweeper.evidence(evidence)).toBeUndefined();
  });
});
