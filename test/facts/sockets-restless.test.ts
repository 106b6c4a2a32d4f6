import {expect, test} from 'vitest';
import type {Snapshot} from '../../source/facts/snapshot.ts';
import {otherHolders} from '../../source/facts/sockets/holders.ts';
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

/** A moment in which these (pid, inode) are held; pids 1 and 2 are in namespace 7, pid 3 in 8. */
function moment(sweep: number, ...held: [pid: number, inode: number][]): Snapshot {
  const dated = <T>(value: T) => ({sweep, at: '', uptime: sweep, value});
  const members = [1, 2, 3].map(pid => ({pid, netns: pid === 3 ? '8' : '7', from: 0, to: 0}));
  const owners = {
    count: held.length,
    inode: Uint32Array.from(held, ([, inode]) => inode),
    pid: Uint32Array.from(held, ([pid]) => pid),
    fd: new Uint32Array(held.length),
  };
  return {
    node: 'n',
    sweep,
    at: '',
    uptime: sweep,
    netns: new Map(),
    gaps: [],
    members: dated(members),
    owners: dated(owners),
  };
}

test.each([
  [
    'the same sockets in another order',
    [
      [2, 11],
      [1, 10],
      [3, 12],
    ],
    [],
  ],
  [
    'one closed and another opened',
    [
      [1, 20],
      [2, 11],
      [3, 12],
    ],
    ['7'],
  ],
  [
    'handed from one process to another',
    [
      [2, 10],
      [2, 11],
      [3, 12],
    ],
    ['7'],
  ],
  [
    'one more',
    [
      [1, 10],
      [2, 11],
      [3, 12],
      [3, 13],
    ],
    ['8'],
  ],
] as [string, [number, number][], string[]][])('other holders: %s', (_, held, expected) => {
  expect(otherHolders(moment(2, ...held), moment(1, [1, 10], [2, 11], [3, 12]))).toEqual(expected);
});
