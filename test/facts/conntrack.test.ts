import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {type ConntrackTable, FLAG, NO_TIMEOUT, TRACKED_STATES} from '../../source/facts/conntrack/table.ts';
import {CONNTRACK, parseConntrack} from '../../source/facts/conntrack.ts';
import {encodePieces, PASTED} from '../../source/facts/pieces.ts';
import {addressText, endpointText} from '../../source/model/words.ts';
import {bytes, captured, emptySnapshot, fixture, reply, textAt} from './samples.ts';

const text = (out: Uint8Array) => new TextDecoder().decode(out);
const section = (lines: string, head = '@ 1 00000006 all') => bytes(`! file\n${head}\n${lines}`);
const parse = (out: Uint8Array) => parseConntrack(out, pid => (pid === '1' ? '4026531840' : undefined));

function rows(table: ConntrackTable): string[] {
  return Array.from({length: table.count}, (_, i) => {
    const end = (words: Uint32Array, ports: Uint16Array) =>
      endpointText(addressText(words, i, table.family[i]!), ports[i]!);
    const flags = Object.entries(FLAG).flatMap(([name, bit]) => (table.flags[i]! & bit ? [name] : []));
    return [
      table.protocol[i],
      TRACKED_STATES[table.state[i]!],
      `${end(table.source, table.sourcePort)}>${end(table.destination, table.destinationPort)}`,
      `${end(table.replySource, table.replySourcePort)}>${end(table.replyDestination, table.replyDestinationPort)}`,
      ...flags,
    ].join(' ');
  });
}

/** Outputs of one node as they were pasted. */
function pasted(...outputs: Uint8Array[]) {
  const out = encodePieces(outputs.map(each => ({format: 'conntrack@1', out: each})));
  const {node, gaps} = CONNTRACK.contribute(
    {...reply('conntrack', out), reader: PASTED},
    emptySnapshot({hostNetns: '1'}),
  );
  return {table: node!.conntrack!.value, out, gaps: gaps!.map(({reason}) => reason)};
}

const SHAPES = [
  '17 NONE 10.7.0.1:46714>10.96.0.10:53 10.7.0.2:5353>10.7.0.1:46714 translated',
  '1 NONE 10.7.0.1:4242>10.7.0.2:2048 10.7.0.2:4242>10.7.0.1:*',
  '58 NONE [fd07::1]:4243>[fd07::2]:32768 [fd07::2]:4243>[fd07::1]:33024',
  '6 ESTABLISHED 10.7.0.1:59352>10.96.0.10:80 10.7.0.2:8080>10.7.0.1:59352 assured translated',
  '6 ESTABLISHED [fd07::1]:38222>[fd96::a]:80 [fd07::2]:8080>[fd07::1]:64559 assured translated',
  '6 ESTABLISHED 10.7.0.1:35014>10.7.0.2:8080 10.7.0.2:8080>10.7.0.1:35014 assured',
];

describe('every shape of both tools', () => {
  test.each(['shapes-proc.txt', 'shapes-extended.txt', 'shapes-plain.txt'])('%s', name => {
    const {table, problems} = parse(section(text(fixture(`conntrack/${name}`))));
    expect(problems).toEqual([]);
    expect(rows(table!).sort()).toEqual([...SHAPES].sort());
  });

  test('an offloaded flow has no seconds; a zone, a mark and accounting are read over', () => {
    const proc = text(fixture('conntrack/shapes-proc.txt')).split('\n');
    const line = proc
      .find(each => each.includes('sport=35014'))!
      .replace('431999 ESTABLISHED ', '')
      .replace('sport=8080 dport=35014', 'sport=8080 dport=35014 packets=3 bytes=200')
      .replace('[ASSURED] mark=0 zone=0', '[OFFLOAD] mark=16384 zone=7');
    const {table, problems} = parse(section(line));
    expect(problems).toEqual([]);
    expect(rows(table!)).toEqual([
      '6 NONE 10.7.0.1:35014>10.7.0.2:8080 10.7.0.2:8080>10.7.0.1:35014 offload',
    ]);
    expect([table!.timeout[0], table!.mark[0], table!.zone[0]]).toEqual([NO_TIMEOUT, 16384, 7]);
  });
});

describe('a real cluster', () => {
  test.each(['atlas', 'borea', 'cairn'])(
    '%s: the file and the tool show the same connections, and each its own line',
    node => {
      const out = section(text(captured(`three-node/${node}/nf_conntrack.txt`)));
      const file = parse(out);
      const tool = pasted(captured(`three-node/${node}/conntrack.txt`));
      expect([...file.problems, ...tool.gaps]).toEqual([]);
      const [a, b] = [new Set(rows(file.table!)), new Set(rows(tool.table))];
      expect([...a].filter(row => !b.has(row))).toEqual([]);
      expect([...b].filter(row => !a.has(row))).toEqual([]);
      expect(file.table!.netns).toEqual(['4026531840']);
      for (let i = 0; i < file.table!.count; i += 1) {
        const line = textAt(out, {from: file.table!.from[i]!, to: file.table!.to[i]!});
        expect(line).toMatch(/^ipv4 .* use=\d+$/);
        expect(line).toContain(`sport=${file.table!.sourcePort[i]} `);
      }
    },
  );

  test('a call of a ClusterIP that nobody answered', () => {
    const {table} = parse(section(text(captured('three-node/borea/nf_conntrack.txt'))));
    expect(rows(table!)).toContain(
      '6 SYN_SENT 10.88.2.6:56894>10.99.248.231:5432 10.88.3.4:5432>10.88.2.6:56894 unreplied translated',
    );
  });
});

test('several pasted outputs of one node are one table: the families, and what two of them have once', () => {
  const shapes = text(fixture('conntrack/shapes-extended.txt'));
  const [six, four] = ['ipv6', 'ipv4'].map(family =>
    bytes(
      `${shapes
        .split('\n')
        .filter(line => line.startsWith(family))
        .join('\n')}\n`,
    ),
  );
  const {table, out, gaps} = pasted(four!, six!, fixture('conntrack/shapes-proc.txt'));
  expect(gaps).toEqual([]);
  expect(rows(table).sort()).toEqual([...SHAPES].sort());
  for (let i = 0; i < table.count; i += 1)
    expect(textAt(out, {from: table.from[i]!, to: table.to[i]!})).toMatch(/^ipv[46] .* use=\d+$/);
});

describe('what could not be read', () => {
  const contribute = (out: string, err = '') =>
    CONNTRACK.contribute(
      reply('conntrack', out, {err}),
      emptySnapshot({
        hostNetns: '1',
        members: {sweep: 1, at: '', uptime: 1, value: [{netns: '1', pid: 1, from: 0, to: 1}]},
      }),
    );

  test('a kernel that tracks nothing has an empty table, and no gap', () => {
    const {node, gaps} = contribute('! none\n');
    expect(node?.conntrack?.value.count).toBe(0);
    expect(gaps).toEqual([]);
  });

  test.each([
    ['refused', 'may only be read by root', 'log in as root'],
    ['no-tool', 'not installed', 'Install conntrack'],
    ['not-loaded', 'would load the module', 'modprobe nf_conntrack_netlink'],
  ])('%s: no table, and a gap with the next step', (how, reason, reveal) => {
    const {node, gaps} = contribute(`! ${how}\n`);
    expect(node).toBeUndefined();
    expect(gaps).toHaveLength(1);
    expect(gaps![0]!.reason).toContain(reason);
    expect(gaps![0]!.reveal).toContain(reveal);
  });

  test('where only the translated ones were read, that is said with their number', () => {
    const {node, gaps} = contribute('! file\n@ 1 0000ffff translated\n');
    expect(node?.conntrack?.value.total).toEqual([65535]);
    expect(gaps!.map(gap => gap.reason)).toEqual([
      'Node node-a tracks 65535 connections there: only those that it translates were read.',
    ]);
  });

  test('of a namespace that is gone meanwhile, and of lines that are none', () => {
    const {table, problems} = parse(bytes('! file\n@ 9 00000001 all\nx\n@ 1 00000001 all\nipv4 2 tcp 6 x\n'));
    expect(table?.count).toBe(0);
    expect(problems[0]).toContain('process 9’s namespace');
    expect(problems[1]).toContain('1 entries were not understood, the first: “ipv4 2 tcp 6 x”');
  });
});

test('any bytes in: nothing thrown, and what is no entry is a problem', () => {
  const sample = fixture('conntrack/shapes-proc.txt');
  const mutated = fc
    .tuple(fc.nat(sample.length - 1), fc.uint8Array({maxLength: 40}))
    .map(([at, noise]) => Uint8Array.from([...sample.subarray(0, at), ...noise, ...sample.subarray(at)]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({maxLength: 300}), mutated), noise => {
      const out = Uint8Array.from([...section(''), ...noise]);
      const {table, problems} = parse(out);
      const lines = text(noise)
        .split('\n')
        .filter(line => line !== '');
      if (table!.count < lines.length) expect(problems.length).toBeGreaterThan(0);
      parse(noise);
    }),
  );
});
