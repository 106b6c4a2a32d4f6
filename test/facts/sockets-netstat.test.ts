import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {parseNetstat} from '../../source/facts/sockets/netstat.ts';
import {endpointText, stateName} from './socket-text.ts';

const fixtures = new URL('../fixtures/', import.meta.url);
const read = (file: string) => parseNetstat(readFileSync(new URL(file, fixtures)));

function lines({table, pid, program, programs}: ReturnType<typeof parseNetstat>): string[] {
  return Array.from({length: table.count}, (_, i) =>
    [
      table.protocol[i] ? 'udp' : 'tcp',
      table.family[i],
      endpointText(table, i, 'local'),
      endpointText(table, i, 'remote'),
      stateName(table, i),
      pid[i],
      programs[program[i]!],
    ].join(' '),
  );
}

describe('netstat -antp of a Cilium node', () => {
  const seed = read('seed/netstat-antp-cilium.txt');

  it('has sixteen sockets of one agent', () => {
    expect(seed.problems).toEqual([]);
    expect(lines(seed)).toHaveLength(16);
    expect(new Set(seed.pid)).toEqual(new Set([2029]));
    expect(seed.programs).toEqual(['', 'cilium-agent']);
  });

  it('shows whom the agent talks to', () => {
    expect(lines(seed)).toContain('tcp 4 10.0.1.76:54868 10.0.2.251:4240 ESTAB 2029 cilium-agent');
    expect(lines(seed)).toContain('tcp 4 127.0.0.1:9879 0.0.0.0:* LISTEN 2029 cilium-agent');
    expect(lines(seed)).toContain('tcp 6 *:4244 *:* LISTEN 2029 cilium-agent');
  });
});

describe('netstat -antup (net-tools 2.10)', () => {
  it.each([
    ['ss/atlas-netstat.txt', 165],
    ['ss/borea-netstat.txt', 15],
    ['ss/cairn-netstat.txt', 16],
  ])('%s has %i sockets, each understood', (file, count) => {
    const {table, problems} = read(file);
    expect(problems).toEqual([]);
    expect(table.count).toBe(count);
  });

  it('keeps the columns apart where the state is blank, the owner unknown, the name has spaces', () => {
    const found = lines(read('ss/cairn-netstat.txt'));
    expect(found).toContain('udp 4 0.0.0.0:8472 0.0.0.0:* UNCONN 0 ');
    expect(found).toContain('tcp 4 192.168.77.13:2222 192.168.77.254:44378 TIME-WAIT 0 ');
    expect(found).toContain('tcp 4 192.168.77.13:2222 192.168.77.254:50672 ESTAB 200494 sshd: root@n');
    expect(found).toContain('tcp 6 192.168.77.13:4240 192.168.77.11:40592 ESTAB 199712 cat');
  });

  it('leaves out an address that netstat cut rather than show a wrong one', () => {
    const shapes = read('ss/shapes-netstat.txt');
    expect(shapes.table.count).toBe(26);
    expect(shapes.problems).toEqual([
      expect.stringMatching(/^1 line of netstat left out, .* udp6 {7}0 {6}0 fe80::28de:64ff:fed:546/),
    ]);
    expect(lines(shapes)).toContain('udp 4 127.0.0.1:5301 127.0.0.1:5300 ESTAB 16231 python3');
  });

  it('remembers which bytes a row was read from', () => {
    const out = readFileSync(new URL('ss/borea-netstat.txt', fixtures));
    const {table} = parseNetstat(out);
    expect(out.toString('utf8', table.from[3], table.to[3])).toMatch(
      /^tcp .* 192\.168\.77\.254:60490 .* 3254\/sshd/,
    );
  });
});

describe('any bytes', () => {
  it('never throw', () => {
    fc.assert(fc.property(fc.uint8Array({maxLength: 300}), out => parseNetstat(out).table.count === 0));
  });

  it('in place of some of a sample never throw, and are counted', () => {
    const out = readFileSync(new URL('ss/cairn-netstat.txt', fixtures));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(out.length - 1), fc.nat(255)), {minLength: 1, maxLength: 9}),
        hits => {
          const hit = Buffer.from(out);
          for (const [at, byte] of hits) if (hit[at] !== 10) hit[at] = byte === 10 ? 0 : byte;
          const {table, problems, pid, program} = parseNetstat(hit);
          expect(pid.length).toBe(table.count);
          expect(program.length).toBe(table.count);
          expect(table.count + Number(/^\d+/.exec(problems.join(' '))?.[0] ?? 0)).toBeLessThanOrEqual(19);
          expect(table.count).toBeGreaterThanOrEqual(16 - hits.length);
        },
      ),
    );
  });
});
