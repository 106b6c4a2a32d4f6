import {parseIfconfig} from '../../source/facts/ifconfig.ts';
import {parsePs} from '../../source/facts/ps.ts';
import type {Dated, Snapshot} from '../../source/facts/snapshot.ts';
import {parseNetstat} from '../../source/facts/sockets/netstat.ts';
import {buildGraph} from '../../source/model/build.ts';
import type {Graph} from '../../source/model/graph.ts';
import {fixture} from '../facts/samples.ts';

/** What the seed's `netstat`, `ps` and `ifconfig` show of its one node, and nothing else. */
export function seedGraph(): Graph {
  const dated = <T>(value: T): Dated<T> => ({sweep: 1, at: '2024-02-18T00:00:00.000Z', uptime: 0, value});
  const {table, pid} = parseNetstat(fixture('seed/netstat-antp-cilium.txt'));
  // netstat shows no inodes: the holder of a row is told by the row itself.
  table.inode.forEach((_, row) => {
    table.inode[row] = row + 1;
  });
  const {links, addresses} = parseIfconfig(fixture('seed/ifconfig.txt'));
  const snapshot: Snapshot = {
    node: 'k8s-01',
    sweep: 1,
    at: '2024-02-18T00:00:00.000Z',
    uptime: 0,
    hostNetns: '1',
    netns: new Map([['1', {netns: '1', links: dated(links), addresses: dated(addresses)}]]),
    sockets: dated({...table, netns: ['1']}),
    owners: dated({
      count: table.count,
      inode: Uint32Array.from({length: table.count}, (_, row) => row + 1),
      pid,
      fd: new Uint32Array(table.count),
    }),
    processes: dated(parsePs(fixture('seed/ps-eaf-2029.txt')).rows),
    gaps: [{node: 'k8s-01', fact: 'namespaces', reason: 'only what was pasted is known of it.'}],
  };
  return buildGraph(new Map([['k8s-01', {snapshot, state: 'ready' as const}]]));
}
