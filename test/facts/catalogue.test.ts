import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {FACTS, factOf, redact} from '../../source/facts/catalogue.ts';
import type {Fact} from '../../source/facts/fact.ts';
import {parseIdentity} from '../../source/facts/identity.ts';
import {NAMESPACES} from '../../source/facts/namespaces.ts';
import type {Reply} from '../../source/wire/source.ts';
import {bytes, captured, emptySnapshot, fixture, fixtureNames, reply} from './samples.ts';

const INODE = '4026532460';
const soFar = emptySnapshot({
  identity: {
    sweep: 1,
    at: '',
    uptime: 1,
    value: parseIdentity(fixture('node/node-a.identity.txt')).identity!,
  },
  ...NAMESPACES.contribute(reply('namespaces', fixture('node/node-a.namespaces.txt')), emptySnapshot()).node,
});

/** Facts that the sockets' own tests cover. */
const OTHERS = new Set(['sockets']);
const FACTS_HERE = FACTS.filter(fact => !OTHERS.has(fact.name));

function ask(fact: Fact, out: Uint8Array, more: Partial<Reply> = {}) {
  const scope = fact.reader.scope === 'node' ? {} : {netns: INODE};
  return fact.contribute(reply(fact.name, out, {...scope, ...more}), soFar);
}

/** Every real sample of a fact. */
function samplesOf(fact: Fact): Uint8Array[] {
  const own = fixtureNames('node')
    .filter(name => name.endsWith(`.${fact.name}.txt`))
    .map(name => fixture(`node/${name}`))
    .filter(out => out.length > 0);
  if (fact.name === 'owners') own.push(captured('three-node/atlas/fd-sockets.txt'));
  if (fact.name === 'memberships') own.push(captured('three-node/atlas/cgroups.txt').subarray(0, 4000));
  if (fact.name === 'conntrack') {
    const pid = soFar.members!.value.find(member => member.pid !== undefined)!.pid;
    const lines = new TextDecoder().decode(fixture('conntrack/shapes-proc.txt'));
    own.push(bytes(`! file\n@ ${pid} 00000006 all\n${lines}`));
  }
  if (fact.name === 'netfilter') own.push(fixture('netfilter/lab-worker-1.txt'));
  if (fact.name === 'sandboxes') {
    const id = '19ea7db8e95f244bb457b07dab317f9eb17ba9ce76a6c681e4c56ff85a4f2e3c';
    const config = new TextDecoder().decode(fixture(`three-node/atlas/containerd/${id}/config.json`));
    const found = config.match(
      /"io\.kubernetes\.cri\.(container-type|sandbox-(id|name|namespace|uid))":"[^"]*"/g,
    )!;
    own.push(bytes(found.map(line => `/run/x/k8s.io/${id}/config.json:${line}\n`).join('')));
  }
  return own;
}

test('every fact has a name of its own, that of its reader, and a sentence saying why', () => {
  expect(new Set(FACTS.map(fact => fact.name)).size).toBe(FACTS.length);
  expect(new Set(FACTS.map(fact => fact.reader.name)).size).toBe(FACTS.length);
  for (const {name, reader} of FACTS) {
    expect(reader.fact).toBe(name);
    expect(reader.why.length).toBeGreaterThan(20);
    expect(reader.name).toMatch(/^[\w-]+@\d+$/);
    // One simple command; what stands in its double quotes is a word of it.
    const bare = reader.command.replace(/"[^"$`\\\n]*"/g, 'word');
    if (reader.scope === 'each-netns') expect(bare).not.toMatch(/[|;&$`\n]|\*/);
    else expect(reader.stdin).toBeUndefined();
  }
  expect(factOf('network')?.name).toBe('network');
  expect(factOf('nonsense')).toBeUndefined();
});

test('what nobody can redact is not written', () => {
  expect(() => redact('nonsense', bytes('x'))).toThrow(/No redactor/);
});

describe.each(FACTS_HERE.map(fact => [fact.name, fact] as const))('%s', (_, fact) => {
  test('its real samples are understood completely, before and after redaction', () => {
    const samples = samplesOf(fact);
    expect(samples.length).toBeGreaterThan(0);
    for (const out of samples.filter((_, index) => fact.name !== 'memberships' || index > 0)) {
      const plain = ask(fact, out);
      const told = (plain.gaps ?? []).filter(gap => !/no name|ended meanwhile/.test(gap.reason));
      expect(told).toEqual([]);
      const again = ask(fact, redact(fact.name, out));
      expect(shape(again)).toEqual(shape(plain));
    }
  });

  test('any bytes in: nothing thrown, and garbage is a gap', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 400}), fc.integer({min: 0, max: 255}), (out, exit) => {
        ask(fact, out, {exit});
        ask(fact, redact(fact.name, out), {exit});
      }),
      {numRuns: 300},
    );
    const garbage = ask(fact, bytes('this is not it\n'));
    expect(garbage.gaps!.length).toBeGreaterThan(0);
    for (const gap of garbage.gaps!) {
      expect(gap.reason).toMatch(/\.$/);
      expect(gap.reveal).toMatch(/\.$/);
      expect(gap.node).toBe('node-a');
      expect(gap.fact).toBe(fact.name);
    }
  });

  test('real samples cut, flipped and spliced: nothing thrown', () => {
    const samples = samplesOf(fact);
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.double({min: 0, max: 1, noNaN: true}),
        fc.double({min: 0, max: 1, noNaN: true}),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), {maxLength: 8}),
        (sample, a, b, flips) => {
          const from = Math.floor(Math.min(a, b) * sample.length);
          const to = Math.floor(Math.max(a, b) * sample.length);
          const cut = Uint8Array.from([...sample.subarray(0, from), ...sample.subarray(to)]);
          for (const [at, value] of flips) if (cut.length > 0) cut[at % cut.length] = value;
          ask(fact, cut);
          ask(fact, redact(fact.name, cut));
        },
      ),
      {numRuns: 100},
    );
  });

  test('no tool, no time, a silent failure: a gap, and no empty table in its place', () => {
    for (const exit of [126, 127, 124, 143, 77]) {
      const {node, netns, gaps} = ask(fact, new Uint8Array(), {exit});
      expect(gaps!.length).toBeGreaterThan(0);
      expect(node ?? {}).toEqual({});
      for (const part of netns?.values() ?? []) expect(part).toEqual({});
    }
  });
});

/** What a contribution holds, without byte ranges: redaction may move bytes. */
function shape(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => {
      if (key === 'from' || key === 'to' || key === 'machineId') return undefined;
      return inner instanceof Map ? [...inner] : inner;
    }),
  );
}
