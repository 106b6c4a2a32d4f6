/**
 * The accuracy of joins, measured: in every topology the true connections against what hoptop says over SSH, as a user
 * reads it. The table is printed; that nothing wrong is said, and hardly anything missed, is asserted.
 */
import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, describe, expect, test} from 'vitest';
import {whatIsMissing} from '../../demo/lab/need.ts';
import type {LabStatus} from '../../demo/lab/status.ts';
import {topologies} from '../../demo/lab/topologies.ts';
import type {SocketRow} from '../../source/questions/socket-rows.ts';
import {HEADING, scoreLines, scoresOf} from './accuracy.ts';
import {lab, statusOf} from './harness.ts';
import {type TrueConnection, truthOf} from './truth.ts';

const CLI = join(import.meta.dirname, '../../source/launcher.cjs');
const missing = await whatIsMissing();
const runs = missing.length === 0;
const only = process.env['HOPTOP_LAB_TOPOLOGY'];
const lines: string[] = [];

afterAll(() => {
  if (lines.length > 0) process.stdout.write(`\n${HEADING}\n${lines.join('\n')}\n`);
});

function hoptopSockets(name: string, status: LabStatus): readonly SocketRow[] {
  const nodes = status.nodes.map(node => `root@${node.address}`).join(',');
  const run = `/run/hoptop-lab/${name}`;
  const {
    stdout,
    stderr,
    status: code,
  } = spawnSync(
    'ip',
    [
      ...[
        'netns',
        'exec',
        `${name}-fabric`,
        process.execPath,
        CLI,
        'sockets',
        '-o',
        'json',
        '--nodes',
        nodes,
      ],
      ...['-i', `${run}/id_ed25519`, '--known-hosts', `${run}/known_hosts`],
    ],
    {encoding: 'utf8', maxBuffer: 256 * 1024 * 1024},
  );
  if (code !== 0) throw new Error(`hoptop ended with ${code}: ${stderr}`);
  return (JSON.parse(stdout) as {sockets: SocketRow[]}).sockets;
}

const id = ({protocol, client, server}: TrueConnection) =>
  `${protocol} ${client.netns} ${client.inode} ${server.netns} ${server.inode}`;

describe.runIf(runs).each(topologies.filter(({name}) => only === undefined || name === only))(
  'joins in $name',
  ({name: topology}) => {
    const name = `acc-${process.pid}-${topology.slice(0, 4)}`;
    afterAll(() => {
      lab('down', '--name', name);
    }, 60_000);

    test('precision and recall, directly and through NAT', {timeout: 120_000}, async () => {
      const up = lab('up', topology, '--name', name);
      expect(up.status, up.err).toBe(0);
      // Until every caller has called once.
      await sleep(8000);
      const status = statusOf(name);
      const before = await truthOf(status);
      const sockets = hoptopSockets(name, status);
      const after = new Set((await truthOf(status)).connections.map(id));
      const stood = before.connections.filter(connection => after.has(id(connection)));
      const scores = scoresOf(stood, sockets);
      lines.push(...scoreLines(topology, scores));
      for (const [kind, {ends, said, right, wrong}] of scores) {
        expect(wrong, kind).toEqual([]);
        expect(right, kind).toBe(said);
        expect(right / ends, `recall of ${kind}`).toBeGreaterThan(0.95);
      }
      expect([...scores.keys()]).toEqual(
        expect.arrayContaining(['tcp direct', 'tcp translated', 'udp translated']),
      );
    });
  },
);
