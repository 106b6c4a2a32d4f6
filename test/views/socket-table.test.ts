import {expect, test} from 'vitest';
import {ask} from '../../source/questions/catalogue.ts';
import type {SocketsAnswer} from '../../source/questions/sockets.ts';
import {fitColumns, naturalWidths} from '../../source/ui/layout.ts';
import {socketTable} from '../../source/views/socket-table.ts';
import type {Table} from '../../source/views/view.ts';
import {graphOf, type SocketSpec} from '../model/world.ts';

function tableOf(sockets: readonly Omit<SocketSpec, 'netns'>[]): Table {
  const graph = graphOf({
    a: {
      host: '1',
      netns: {1: {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 10.0.0.1/24']}},
      processes: {7: ['1', 'python3.11-worker']},
      sockets: sockets.map(socket => ({netns: '1', pids: [7], ...socket})),
    },
  });
  return socketTable((ask(graph, {name: 'sockets', words: []}) as SocketsAnswer).sockets, '');
}

/** Titles and widths of what is shown in so many columns of the terminal. */
function shown(table: Table, columns: number): Record<string, number> {
  const heads = table.columns.map(column => column.title);
  const {placed} = fitColumns(table.columns, naturalWidths(table, heads, [0]), columns - 2);
  return Object.fromEntries(placed.map(({index, width}) => [heads[index]!, width]));
}

test('80 columns have both queues, whole addresses and the state before programs and other ends', () => {
  const far = shown(
    tableOf([{local: '10.244.100.100:40000', remote: '10.244.200.200:35432', state: 'CLOSE-WAIT'}]),
    80,
  );
  expect(far).toMatchObject({
    'RECV-Q': 6,
    'SEND-Q': 6,
    'LOCAL ADDRESS': 20,
    'FOREIGN ADDRESS': 20,
    STATE: 10,
  });
  expect(Object.keys(far)).not.toContain('PID/PROGRAM');
  const longest = {
    local: '255.255.255.255:65535',
    remote: '255.255.255.254:65534',
    state: 'CLOSE-WAIT',
  } as const;
  for (const columns of [66, 80]) {
    expect(shown(tableOf([longest]), columns)).toMatchObject({
      'LOCAL ADDRESS': 21,
      'FOREIGN ADDRESS': 21,
      STATE: 10,
    });
  }
  const near = shown(tableOf([{local: '10.244.2.2:5432', remote: '10.244.1.2:36872'}]), 80);
  expect(Object.keys(near)).toContain('OTHER END');
});

test.each([
  ['nothing waits', {remote: '10.0.0.2:5000'}, {state: 'good', recvQ: 'dim', sendQ: 'dim', retrans: 'dim'}],
  ['unread', {remote: '10.0.0.2:5000', recvQ: 9}, {state: 'warn', recvQ: 'warn', sendQ: 'dim'}],
  ['unacknowledged', {remote: '10.0.0.2:5000', sendQ: 9}, {state: 'warn', recvQ: 'dim', sendQ: 'warn'}],
  ['sent again', {remote: '10.0.0.2:5000', retrans: 2}, {state: 'plain', retrans: 'warn'}],
  ['calling', {remote: '10.0.0.2:5000', state: 'SYN-SENT'}, {state: 'warn'}],
  ['a listener’s bound', {sendQ: 128}, {state: 'plain', sendQ: 'dim'}],
  ['not accepted', {sendQ: 128, recvQ: 3}, {state: 'warn', recvQ: 'warn', sendQ: 'dim'}],
] as const)('tones: %s', (_, socket, tones) => {
  const table = tableOf([{local: '10.0.0.1:80', ...socket}]);
  const cells = table.row(0).cells;
  const found = Object.fromEntries(table.columns.map(({key}, i) => [key, cells[i]!.tone]));
  expect(found).toMatchObject(tones);
});

test('users are named throughout: a socket without a process is root’s, not 0’s', () => {
  const table = tableOf([{local: '10.0.0.1:80'}, {local: '10.0.0.1:81', pids: []}]);
  const user = table.columns.findIndex(({key}) => key === 'user');
  expect([0, 1].map(i => table.row(i).cells[user]!.text)).toEqual(['root', 'root']);
});
