import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {redact} from '../../source/facts/catalogue.ts';
import {CLUSTER_FACTS} from '../../source/facts/cluster.ts';
import {IDENTITY} from '../../source/facts/identity.ts';
import {parseNodeObjects, parseNodeTable} from '../../source/facts/kube/nodes.ts';
import {parsePodObjects, parsePodTable} from '../../source/facts/kube/pods.ts';
import {redactObjects} from '../../source/facts/kube/redact.ts';
import {parseWorkloads} from '../../source/facts/kube/workloads.ts';
import {encodePieces, PASTED, piecesOf} from '../../source/facts/pieces.ts';
import {bytes, emptySnapshot, fixture, reply, textAt} from './samples.ts';

const text = (out: Uint8Array) => new TextDecoder().decode(out);

describe('what the API answers', () => {
  test('nodes', () => {
    const {rows, problems} = parseNodeObjects(fixture('kube/nodes.json'));
    expect(problems).toEqual([]);
    expect(rows.map(({name, status, addresses}) => [name, status, ...addresses])).toEqual([
      ['atlas', 'Ready', '192.168.77.11'],
      ['borea', 'Ready', '192.168.77.12'],
      ['cairn', 'Ready', '192.168.77.13'],
    ]);
    expect(rows[0]).toMatchObject({
      version: 'v1.36.2',
      kernel: '6.18.44-fc-v669',
      runtime: 'containerd://1.6.20',
    });
  });

  test('pods, with their node, address, containers and owner', () => {
    const {rows, problems} = parsePodObjects(fixture('kube/pods.json'));
    expect(problems).toEqual([]);
    expect(rows).toHaveLength(9);
    expect(rows.find(row => row.name === 'db-0')).toMatchObject({
      namespace: 'shop',
      node: 'borea',
      addresses: ['10.88.2.7'],
      hostNetwork: false,
      status: 'Running',
      owner: 'StatefulSet/db',
    });
    const agent = rows.find(row => row.name === 'meshd-nlx5p')!;
    expect(agent.hostNetwork).toBe(true);
    expect(agent.containers[0]!.ports).toEqual([
      {port: 4240, protocol: 'tcp', name: 'health', hostPort: 4240},
    ]);
  });

  test('a refusal is a problem that quotes it', () => {
    const {rows, problems} = parseNodeObjects(fixture('kube/nodes-forbidden.json'));
    expect(rows).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^the API server refused: “nodes is forbidden: User/)]);
  });
});

test('the seed’s DaemonSet: probes, host network, directories of the node', () => {
  const out = fixture('seed/daemonset-cilium.yaml');
  const {rows, problems} = parseWorkloads(out);
  expect(problems).toEqual([]);
  const [cilium] = rows;
  expect(cilium).toMatchObject({
    kind: 'DaemonSet',
    namespace: 'kube-system',
    name: 'cilium',
    hostNetwork: true,
  });
  expect(cilium!.containers[0]).toMatchObject({
    name: 'cilium-agent',
    init: false,
    command: ['cilium-agent', expect.any(String)],
  });
  expect(cilium!.containers[0]!.probes).toEqual(
    (['liveness', 'readiness', 'startup'] as const).map(kind => ({
      kind,
      how: 'http',
      port: 9879,
      host: '127.0.0.1',
      path: '/healthz',
    })),
  );
  expect(cilium!.hostPaths).toContainEqual({volume: 'cilium-run', path: '/var/run/cilium'});
  expect(cilium!.containers.filter(({init}) => init).map(({name}) => name)).toContain('mount-bpf-fs');
  // Environment variables go, all else parses the same.
  const redacted = redactObjects(out);
  expect(text(redacted)).not.toContain('/var/lib/cilium/clustermesh/\n        - name: GOMEMLIMIT');
  expect(text(redacted)).not.toContain('/run/cilium/cgroupv2\n        - name: BIN_PATH');
  expect(text(redacted)).toContain("value: '***'");
  const again = parseWorkloads(redacted);
  expect(again.problems).toEqual([]);
  const bare = ({from: _, to: __, ...rest}: (typeof rows)[number]) => rest;
  expect(again.rows.map(bare)).toEqual(rows.map(bare));
});

describe('tables of kubectl', () => {
  // kubectl 1.28; columns of a pod that was evicted are empty.
  const wide = [
    'NAMESPACE     NAME                READY   STATUS    RESTARTS      AGE   IP             NODE     NOMINATED NODE   READINESS GATES',
    'kube-system   cilium-7wzcx        1/1     Running   0             15d   192.168.0.67   k8s-01   <none>           <none>',
    'default       web-7d4b9-x2x5z     1/1     Running   2 (3d ago)    9d    10.0.2.17      k8s-02   <none>           <none>',
    'default       new-1               0/1     Pending   0             2s    <none>         <none>   <none>           <none>',
  ].join('\n');

  test('pods', () => {
    const out = bytes(wide);
    const {rows, problems} = parsePodTable(out);
    expect(problems).toEqual([]);
    expect(rows.map(({namespace, name, node, addresses}) => [namespace, name, node, ...addresses])).toEqual([
      ['kube-system', 'cilium-7wzcx', 'k8s-01', '192.168.0.67'],
      ['default', 'web-7d4b9-x2x5z', 'k8s-02', '10.0.2.17'],
      ['default', 'new-1', undefined],
    ]);
    expect(textAt(out, rows[1]!)).toMatch(/^default {7}web-7d4b9/);
  });
});

describe('secrets', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'PodList',
    items: [
      {
        metadata: {
          name: 'a',
          namespace: 'n',
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': '{"PLANTED":1}',
            'x/y': 'PLANTED',
          },
          managedFields: [{PLANTED: 1}],
        },
        spec: {
          containers: [
            {
              name: 'c',
              env: [{name: 'KEY', value: 'PLANTED'}],
              args: ['--password=PLANTED', '--port=80'],
              livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: 'Authorization', value: 'PLANTED'}]}},
            },
          ],
        },
      },
    ],
  };
  // What charts and drivers leave in specs, each under a key of its own.
  Object.assign(pod.items[0]!.spec, {
    automountServiceAccountToken: false,
    volumes: [
      {name: 'v', csi: {driver: 'd', volumeAttributes: {server: 'PLANTED'}}},
      {name: 'f', flexVolume: {driver: 'd', options: {share: 'PLANTED'}}},
      {name: 'r', rbd: {user: 'u', apiToken: 'PLANTED', password: {nested: ['PLANTED']}}},
    ],
  });
  const mixed = {
    kind: 'List',
    items: [
      {kind: 'Secret', metadata: {name: 's'}, data: {p: 'PLANTED'}},
      {kind: 'Pod', ...pod.items[0]},
    ],
  };
  const yaml = (out: object) => import('yaml').then(({stringify}) => bytes(stringify(out)));

  test.each([
    ['JSON', pod],
    ['a mixed list in JSON', mixed],
  ])('%s', (_, list) => {
    const redacted = redactObjects(bytes(JSON.stringify(list, null, 4)));
    expect(text(redacted)).not.toContain('PLANTED');
    const [row] = parsePodObjects(redacted).rows;
    expect(row).toMatchObject({
      namespace: 'n',
      name: 'a',
      containers: [{command: ['--password=***', '--port=80']}],
    });
    // Each object has a line of its own, so that its evidence is its own.
    expect(textAt(redacted, row!)).toMatch(/^\{.*"name":"a".*\}$/);
  });

  test.each([
    ['YAML', pod],
    ['a mixed list in YAML', mixed],
  ])('%s', async (_, list) => {
    const redacted = redactObjects(await yaml(list));
    expect(text(redacted)).not.toContain('PLANTED');
    const {rows, problems} = parsePodObjects(redacted);
    expect(problems).toEqual([]);
    expect(rows).toMatchObject([
      {namespace: 'n', name: 'a', containers: [{command: ['--password=***', '--port=80']}]},
    ]);
    expect(textAt(redacted, rows[0]!)).toContain('name: a');
  });

  test('comments of YAML, in every place', () => {
    const out = bytes(
      [
        '# PLANTED',
        'apiVersion: v1 # PLANTED',
        'kind: Pod',
        'metadata:',
        '  # PLANTED',
        '  name: a # PLANTED',
        '  namespace: n',
        '  annotations: # PLANTED',
        '    x/y: z # PLANTED',
        '    # PLANTED',
        'spec: # PLANTED',
        '  automountServiceAccountToken: false',
        '  containers:',
        '  - name: c # PLANTED',
        '    # PLANTED',
        '    args: [a, # PLANTED',
        '      "#kept"]',
        '    terminationMessagePath: | # PLANTED',
        '      #kept too',
        '--- # PLANTED',
        'PLANTED',
        '... # PLANTED',
        '# PLANTED',
      ].join('\n'),
    );
    const redacted = redactObjects(out);
    expect(text(redacted)).not.toContain('PLANTED');
    expect(text(redacted)).toContain('#kept too');
    expect(text(redacted)).toContain('automountServiceAccountToken: false');
    expect(parsePodObjects(redacted)).toMatchObject({
      rows: [{namespace: 'n', name: 'a', containers: [{command: ['a', '#kept']}]}],
      problems: [],
    });
  });

  test('of pasted pieces, by the redactor of each one’s format; without one, nothing is written', () => {
    const out = encodePieces([
      {format: 'kube-pods-table@1', out: bytes('NAME READY STATUS RESTARTS AGE\n')},
      {format: 'kube-pods@1', file: 'pods.json', out: bytes(JSON.stringify(pod))},
    ]);
    const redacted = redact('kube-pods', out, PASTED);
    expect(text(redacted)).not.toContain('PLANTED');
    const {node} = CLUSTER_FACTS[1]!.contribute(
      reply('kube-pods', redacted, {reader: PASTED}),
      emptySnapshot(),
    );
    const [row] = node!.cluster!.pods!.value;
    expect(textAt(redacted, row!)).toMatch(/^\{"metadata":\{"name":"a"/);
    expect(() => redact('kube-pods', encodePieces([{format: 'no@1', out}]), PASTED)).toThrow(/No redactor/);
  });
});

test.each([
  ['TOKEN=PLANTED kubectl get pods', 'TOKEN=*** kubectl get pods'],
  ['kubectl --token=PLANTED get pods', 'kubectl --token=*** get pods'],
  ['kubectl --token PLANTED get pods', 'kubectl --token *** get pods'],
  ['sshpass -p PLANTED ssh n1 kubectl get pods', 'sshpass -p *** ssh n1 kubectl get pods'],
  ['echo PLANTED | sudo -S kubectl get pods', 'echo *** | sudo -S kubectl get pods'],
  ['sudo -S kubectl get pods <<< "PLANTED"', 'sudo -S kubectl get pods <<< ***'],
  ['nsenter --net=/proc/4711/ns/net ss -tanp', 'nsenter --net=/proc/4711/ns/net ss -tanp'],
])('the line that was typed for a paste: %s', (command, masked) => {
  const out = encodePieces([{format: 'kube-pods-table@1', command, out: bytes('NAME READY\n')}]);
  const redacted = redact('kube-pods', out, PASTED);
  expect(text(redacted)).not.toContain('PLANTED');
  expect(piecesOf({reader: PASTED, out: redacted})[0]!.command).toBe(masked);
});

test('any bytes in, nothing thrown', () => {
  const garbage = fc.oneof(
    fc.uint8Array({maxLength: 300}),
    fc.json().map(bytes),
    fc.string().map(tail => bytes(`kind: Pod\nmetadata:\n  name: x\n${tail}`)),
    fc.string().map(tail => bytes(`{"kind":"PodList","items":[${tail}`)),
  );
  fc.assert(
    fc.property(garbage, out => {
      for (const parse of [parseNodeObjects, parseNodeTable, parsePodObjects, parsePodTable, parseWorkloads])
        parse(out);
      redactObjects(out);
      for (const fact of CLUSTER_FACTS)
        fact.contribute(reply(fact.name, out, {reader: PASTED}), emptySnapshot());
    }),
    {numRuns: 300},
  );
});

test('a machine id is masked alike wherever it is told, so that nodes are still joined in a recording', () => {
  const [plain] = parseNodeObjects(fixture('kube/nodes.json')).rows;
  const [node] = parseNodeObjects(redactObjects(fixture('kube/nodes.json'))).rows;
  expect(node!.machineId).toMatch(/^[0-9a-f]{32}$/);
  expect(node!.machineId).not.toBe(plain!.machineId);
  expect(text(IDENTITY.redact(bytes(`machine-id=${plain!.machineId}\n`)))).toBe(
    `machine-id=${node!.machineId}\n`,
  );
  const yaml = `kind: Node\nstatus:\n  nodeInfo:\n    machineID: ${plain!.machineId}\n`;
  expect(text(redactObjects(bytes(yaml)))).toContain(`machineID: '${node!.machineId}'`);
});
