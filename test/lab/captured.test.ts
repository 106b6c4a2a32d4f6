import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {type Packet, packetsOf} from './captured.ts';
import {recognise} from './marks.ts';

const file = readFileSync(join(import.meta.dirname, '../fixtures/crossed/worker-1.pcap'));
const text = (packet: Packet) => {
  const inner = packet.layers.at(-1)!;
  return `${packet.ifindex} ${packet.direction} ${inner.source} → ${inner.destination}${packet.layers.length > 1 ? ' in a tunnel' : ''}`;
};

describe('a capture on all links', () => {
  const packets = packetsOf(file);
  const known = (marks: {payload: string; seq: number}, index: number) =>
    packets.flatMap(packet => {
      const found = recognise(marks, packet, 3);
      return found?.index === index ? [`${text(packet)}${found.answer ? `: ${found.answer}` : ''}`] : [];
    });
  const marks = {payload: 'hoptop-fixture-', seq: 1000000};

  test('a SYN and its answer, with the tunnel told from what is in it', () => {
    expect(known(marks, 2)).toEqual([
      '8 other 10.244.1.5:61001 → 10.244.2.2:5432',
      '4 in 10.244.1.5:61001 → 10.244.2.2:5432',
      '3 out 10.244.1.5:61001 → 10.244.2.2:5432',
      '2 out 10.244.1.5:61001 → 10.244.2.2:5432 in a tunnel',
      '2 in 10.244.2.2:5432 → 10.244.1.5:61001 in a tunnel: syn-ack',
      '3 in 10.244.2.2:5432 → 10.244.1.5:61001: syn-ack',
      '4 out 10.244.2.2:5432 → 10.244.1.5:61001: syn-ack',
      '8 out 10.244.2.2:5432 → 10.244.1.5:61001: syn-ack',
    ]);
    expect(
      packets.find(packet => packet.layers.length === 2 && packet.tcp?.seq === 1000004)?.layers[0],
    ).toEqual({
      source: '10.44.0.12:44518',
      destination: '10.44.0.13:8472',
      protocol: 'udp',
    });
  });

  test('a datagram whose addresses are translated on the way', () => {
    const there = known(marks, 0).slice(0, 4);
    expect(there).toEqual([
      '8 other 10.244.1.5:51875 → 10.96.0.10:53',
      '4 in 10.244.1.5:51875 → 10.244.0.2:53',
      '3 out 10.244.1.5:51875 → 10.244.0.2:53',
      '2 out 10.244.1.5:51875 → 10.244.0.2:53 in a tunnel',
    ]);
  });

  test('an ICMP error is known by what it quotes', () => {
    const back = known(marks, 1).slice(4);
    expect(back).toHaveLength(4);
    expect(back[3]).toBe('8 out 10.244.2.2 → 10.244.1.5: icmp 3/3 from 10.244.2.2');
  });

  test('the marks of another round know nothing', () => {
    expect(packets.flatMap(packet => recognise({payload: 'else-', seq: 4}, packet, 3) ?? [])).toEqual([]);
  });

  test('a file cut anywhere gives the packets before the cut', () => {
    for (let end = 24; end < file.length; end += 7)
      expect(packets.slice(0, packetsOf(file.subarray(0, end)).length)).toEqual(
        packetsOf(file.subarray(0, end)),
      );
    expect(() => packetsOf(Buffer.alloc(64))).toThrow('LINUX_SLL2');
  });
});
