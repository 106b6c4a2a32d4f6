/** A real lab is recorded over SSH, asked again from the file, and the file is searched for secrets that were planted. */
import {copyFileSync, readFileSync, statSync, truncateSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {connectCri} from '../../demo/lab/cri.ts';
import {criSocket} from '../../demo/lab/node.ts';
import {startPod} from '../../demo/lab/pods.ts';
import {topologies} from '../../demo/lab/topologies.ts';
import {openRecording, type Recording} from '../../source/wire/recording/reader.ts';
import {lab, statusOf} from './harness.ts';
import {ask, hoptop, labsFor, nameOf, runs, type Said, scratch} from './walk.ts';

const FILE = 'rec';
const topology = topologies.find(each => each.datapath === 'flannel-vxlan')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);

/** Each is found nowhere else on the machine. */
const SECRETS = {
  flag: 'zK9-flag-wq81xT',
  next: 'zK9-next-Lm27Rp',
  url: 'zK9-url-Hd63Vb',
  inline: 'zK9-inline-Ns45Gc',
  header: 'zK9-header-Yt08Kf',
  environment: 'zK9-environment-Qa92Jx',
  password: 'zK9-password-Uo14Ze',
};

/** A pod whose process has secrets in its command line and, by the bundle, in its environment. */
const plant = async () => {
  const {pid} = statusOf(name).nodes.find(node => node.name === 'worker-1')!;
  const cri = connectCri(criSocket(pid));
  type Container = {config: {envs: {key: string; value: string}[]}};
  const envs = [
    {key: 'API_TOKEN', value: SECRETS.environment},
    {key: 'PGPASSWORD', value: SECRETS.password},
  ];
  const withEnvs: typeof cri = {
    ...cri,
    call: (method, request) => {
      if (method !== 'CreateContainer') return cri.call(method, request);
      const {config, ...rest} = request as Container;
      return cri.call(method, {...rest, config: {...config, envs: [...config.envs, ...envs]}});
    },
  };
  const command = [
    ...['/bin/sh', '-c', 'sleep 1000d; :', 'vault'],
    ...[`--password=${SECRETS.flag}`, '--api-token', SECRETS.next],
    ...['--dsn', `postgres://app:${SECRETS.url}@db-0.shop:5432/orders`],
    ...[`DB_PASSWORD=${SECRETS.inline}`, '-H', `Authorization: Bearer ${SECRETS.header}`],
  ];
  const plan = {
    ...{namespace: 'data', name: 'vault-0', app: 'vault', node: 'worker-1'},
    containers: [{name: 'vault', run: {command}}],
  };
  await startPod(withEnvs, plan, 'f0e1d2c3-b4a5-4687-9788-a9bacbdcedfe', word => word).finally(cri.close);
};

describe.runIf(runs)('a recording of a real lab', {timeout: 60_000}, () => {
  let file: string;
  let recorded: Said;
  let live: {pods: {pod: string}[]};
  let recording: Recording;

  beforeAll(async () => {
    await plant();
    file = scratch('lab.hop');
    live = await ask(name, ['pods']);
    // The first sweep reads everything and weighs as much as dozens of later ones: with these, it is in the first half.
    recorded = await hoptop(name, ['record', file, '--for', '8', '--every', '0.25']);
    recording = openRecording(file);
  }, 60_000);
  afterAll(() => recording?.close());

  const from = (path: string) => ({source: ['--from', path]});
  type Pod = {
    pod: string;
    node: string;
    netns: string;
    addresses: string[];
    containers: string[];
    attachments: unknown;
  };
  const steady = ({pods}: {pods: {pod: string}[]}) =>
    (pods as Pod[]).map(({pod, node, netns, addresses, containers, attachments}) => ({
      ...{pod, node, netns, addresses, containers, attachments},
    }));

  test('it holds some sweeps of every node, and what it said while recording is so', () => {
    expect(recorded.status, recorded.err).toBe(0);
    const size = statSync(file).size;
    expect(recorded.err).toContain(`hoptop: recorded ${size} bytes to ${file}`);
    for (const node of topology.nodes) {
      expect(recorded.err).toContain(`hoptop: ${node.name}: recording\n`);
      const sweeps = recording.moments.filter(moment => moment.node === node.name);
      expect(sweeps.length, node.name).toBeGreaterThanOrEqual(2);
    }
    expect(recording.cut).toBeUndefined();
    console.log(`recorded ${size} bytes, ${recording.moments.length} sweeps`);
  });

  test('from the file the same pods are answered as live, and the same connection', async () => {
    const replayed = await ask<{pods: {pod: string}[]}>(name, ['pods'], from(file));
    expect(steady(replayed)).toEqual(steady(live));
    expect(replayed.pods).toHaveLength(topology.pods.length + 1);
    const {sockets} = await ask<{
      sockets: {
        local: string;
        localPort: number;
        remote: string;
        remotePort: number;
        other?: {pod: string};
      }[];
    }>(name, ['sockets', 'data/backup-0'], from(file));
    expect(sockets[0]).toMatchObject({remotePort: 9000, other: {pod: 'data/archive-0'}});
  });

  test('cut in half, it answers what is left and says that it is cut', async () => {
    const half = scratch('half.hop');
    copyFileSync(file, half);
    truncateSync(half, Math.floor(statSync(file).size / 2));
    const {status, out, err} = await hoptop(name, ['pods', '-o', 'json'], from(half));
    expect(err).toMatch(/^hoptop: .*(cut|end|missing)/m);
    expect([0, 2]).toContain(status);
    const {pods} = JSON.parse(out) as {pods: Pod[]};
    console.log(`cut in half: status ${status}, ${pods.length} of ${live.pods.length} pods; ${err.trim()}`);
    const all = steady(live);
    expect(pods.length).toBeGreaterThan(0);
    for (const pod of steady({pods})) expect(all).toContainEqual(pod);
    // What node is missing is said; the others are whole.
    for (const node of new Set(pods.map(pod => pod.node)))
      expect(pods.filter(pod => pod.node === node)).toHaveLength(all.filter(pod => pod.node === node).length);
  });

  test('play without a terminal prints the overview', async () => {
    const {status, out} = await hoptop(name, ['play', file], {source: []});
    expect(status).toBe(0);
    for (const node of topology.nodes)
      expect(out).toMatch(new RegExp(`^${node.name} +ready +${node.address} `, 'm'));
  });

  test('no planted secret is in it, neither in the file nor in what it unpacks to', async () => {
    // The secrets are where they could be read: on the node, in the same files and commands.
    const onNode = lab(
      ...['exec', '--name', name, 'worker-1', 'sh', '-c'],
      'cat /run/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json; ps -eo args',
    ).out;
    for (const [kind, secret] of Object.entries(SECRETS)) expect(onNode, kind).toContain(secret);

    const decoder = new TextDecoder('latin1');
    const texts = recording
      .between('1970-01-01T00:00:00.000Z', recording.to)
      .map(event =>
        event.type === 'reply' ? `${decoder.decode(event.out)}\n${event.err}` : JSON.stringify(event),
      );
    const all = texts.join('\n');
    expect(all).toContain('vault-0');
    expect(all).toContain('--password=***');
    expect(recording.damage()).toEqual([]);
    const raw = readFileSync(file).toString('latin1');
    for (const [kind, secret] of Object.entries(SECRETS)) {
      expect(all.includes(secret), kind).toBe(false);
      expect(raw.includes(secret), kind).toBe(false);
    }
    const {out} = await hoptop(name, ['processes', 'data/vault-0'], from(file));
    expect(out).toContain('--password=***');
    for (const [kind, secret] of Object.entries(SECRETS)) expect(out.includes(secret), kind).toBe(false);
  });
});
