import {expect, test} from 'vitest';
import {restless} from '../../source/facts/sockets/restless.ts';
import {parseSockets} from '../../source/facts/sockets.ts';

const encoder = new TextEncoder();
const row = (proto: string, state: string, recvQ: number, sendQ: number) =>
  `${proto} ${state} ${recvQ} ${sendQ} 10.0.0.1:80 10.0.0.2:4000 ino:1 sk:1 <->\n`;

test.each([
  ['nothing waits', row('tcp', 'ESTAB', 0, 0), false],
  ['something to be read', row('tcp', 'ESTAB', 1, 0), true],
  ['something to be sent', row('tcp', 'ESTAB', 0, 1), true],
  ["a listener's bound is no queue", row('tcp', 'LISTEN', 0, 128), false],
  ['a listener with a backlog', row('tcp', 'LISTEN', 3, 128), true],
  ['a connection being made', row('tcp', 'SYN-SENT', 0, 0), true],
  ['a connection being ended', row('tcp', 'FIN-WAIT-2', 0, 0), true],
  ['a UDP socket at rest', row('udp', 'UNCONN', 0, 0), false],
])('%s', (_, out, expected) => {
  const {table} = parseSockets([
    {netns: '7', out: encoder.encode(out)},
    {netns: '8', out: encoder.encode(row('tcp', 'ESTAB', 0, 0))},
  ]);
  expect(restless(table)).toEqual(expected ? ['7'] : []);
});
