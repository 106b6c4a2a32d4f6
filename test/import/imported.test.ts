import {describe, expect, test} from 'vitest';
import {evidenceText} from '../../source/evidence-text.ts';
import {connection} from '../../source/questions/connection.ts';
import {mesh} from '../../source/questions/mesh.ts';
import {overview} from '../../source/questions/overview.ts';
import {peers} from '../../source/questions/peers.ts';
import {pods} from '../../source/questions/pods.ts';
import {process} from '../../source/questions/process.ts';
import {services} from '../../source/questions/services.ts';
import {socketAt} from '../../source/questions/socket-rows.ts';
import {sockets} from '../../source/questions/sockets.ts';
import {CLUSTER} from '../../source/wire/source.ts';
import {file, filesBelow, imported, pasted} from './imported.ts';

function answerOf<Answer extends object>(
  answer: Answer | {missing: string},
): Exclude<Answer, {missing: string}> {
  if ('missing' in answer) throw new Error(String(answer.missing));
  return answer as Exclude<Answer, {missing: string}>;
}

const SEED = [
  'get-nodes-wide.txt',
  'ifconfig.txt',
  'netstat-antp-cilium.txt',
  'ps-eaf-2029.txt',
  'daemonset-cilium.yaml',
].map(name => ({...file(`seed/${name}`, name), below: name, directory: '/tmp/seed'}));

describe('the seed: netstat, ps and ifconfig of one node, get nodes and a DaemonSet', () => {
  const {graph, nodes, named, unrecognised, world} = imported(SEED);

  test('the node is named by its address, the others are known and not read', () => {
    expect(unrecognised).toEqual([]);
    expect(nodes).toEqual(['k8s-01']);
    expect(named).toEqual([
      'seed is k8s-01: it has the address 192.168.0.67, which the API gives to that node.',
    ]);
    const answer = answerOf(overview.ask(graph, []));
    expect(
      answer.nodes.map(({name, state, step, address, roles, uptime, cost}) => [
        name,
        state,
        step,
        address,
        roles,
        uptime,
        cost,
      ]),
    ).toEqual([
      ['k8s-01', 'ready', 'pasted', '192.168.0.67', 'control-plane', undefined, undefined],
      ['k8s-02', 'listed', undefined, '192.168.0.193', undefined, undefined, undefined],
      ['k8s-03', 'listed', undefined, '192.168.0.108', undefined, undefined, undefined],
    ]);
    const facts = answer.gaps.filter(gap => gap.node === 'k8s-01').map(gap => gap.fact);
    expect(facts).toEqual(expect.arrayContaining(['namespaces', 'sandboxes', 'conntrack', 'sockets']));
    expect(answer.gaps.find(gap => gap.fact === 'network')!.reason).toBe(
      'Not pasted of k8s-01: its routes, its neighbours, its policy rules.',
    );
  });

  test('the agent and its responder, with the agent’s sockets', () => {
    const answer = answerOf(process.ask(graph, ['k8s-01:2029']));
    expect(answer.children.map(({name}) => name)).toEqual(['cilium-health-r']);
    expect(answer.sockets.count).toBe(16);
    // netstat shows neither inodes nor retransmissions: that is not none.
    expect(socketAt(answer.sockets, 0)).toMatchObject({
      held: 'held by 2029/cilium-agent',
      inode: undefined,
      retrans: undefined,
    });
  });

  test('services are not known, and what would show them is said once', () => {
    const answer = answerOf(services.ask(graph, []));
    expect(answer.unread).toEqual(['k8s-01', 'k8s-02', 'k8s-03']);
    expect(answer.gaps.filter(gap => gap.fact === 'netfilter').map(gap => gap.reveal)).toEqual([
      'Paste `iptables-save` of k8s-01.',
    ]);
  });

  test('which peers are nodes; of the others nothing is claimed', () => {
    const answer = answerOf(peers.ask(graph, ['k8s-01']));
    expect(
      answer.peers.map(({words, kind, connections, grade}) => [words, kind, connections, grade]),
    ).toEqual([
      ['k8s-02', 'node', 2, 'inferred'],
      ['k8s-03', 'node', 2, 'inferred'],
      ['10.0.0.109', 'unread', 1, 'unknown'],
      ['10.0.1.65', 'unread', 1, 'unknown'],
      ['10.0.2.251', 'unread', 1, 'unknown'],
      ['10.96.0.1', 'unread', 1, 'unknown'],
    ]);
  });

  test('both ends on the node itself are joined', () => {
    const answer = answerOf(connection.ask(graph, ['192.168.0.67:49250-192.168.0.67:4240']));
    expect(answer.connection.grade).toBe('proven');
  });

  test('each interface has its own addresses, though ifconfig shows no index', () => {
    const {interfaces} = graph.nodes[0]!.host!;
    expect(
      interfaces.map(({link, addresses}) => [
        link.name,
        link.kind,
        ...addresses.filter(({family}) => family === 4).map(({address}) => address),
      ]),
    ).toEqual([
      ['cilium_host', '?', '10.0.1.76'],
      ['cilium_net', '?'],
      ['cilium_vxlan', '?'],
    ]);
  });

  test('the DaemonSet is there for its ports and directories', () => {
    const [cilium] = graph.cluster!.workloads!.value;
    expect(cilium!.containers[0]!.probes.map(({port}) => port)).toEqual([9879, 9879, 9879]);
  });

  test('the mesh tells what the DaemonSet declares of the agent’s ports, with its evidence', () => {
    const answer = answerOf(mesh.ask(graph, []));
    const port = answer.ports.find(({port: number}) => number === 9879)!;
    expect(port.declared).toBe(
      'DaemonSet kube-system/cilium declares it for the liveness, readiness, startup probes of cilium-agent (http GET /healthz)',
    );
    expect(port.evidence[0]).toMatchObject({node: CLUSTER, fact: 'kube-workloads'});
    expect(answer.ports.find(({port: number}) => number === 9890)!.declared).toBeUndefined();
    // The nodes that were not read are the columns, not their addresses.
    expect(answer.nodes.map(({name}) => name)).toEqual(['k8s-01', 'k8s-02', 'k8s-03']);
  });

  test('evidence is the file, its line, and the line', () => {
    const {sockets: list} = answerOf(sockets.ask(graph, ['k8s-01'])) as never as {
      sockets: Parameters<typeof socketAt>[0];
    };
    const [evidence] = socketAt(list, 4).evidence;
    const shown = evidenceText(evidence!, world.evidence(evidence!), undefined);
    expect(shown.title).toMatch(/^k8s-01, netns host: sockets, pasted in netstat-antp-cilium\.txt, line 7, /);
    expect(shown.lines).toEqual([
      'tcp        0      0 10.0.1.76:54868         10.0.2.251:4240         ESTABLISHED 2029/cilium-agent',
    ]);
    const listed = answerOf(overview.ask(graph, [])).nodes[1]!.evidence[0]!;
    expect(listed.node).toBe(CLUSTER);
    expect(evidenceText(listed, world.evidence(listed), undefined).lines[0]).toMatch(
      /^k8s-02 .*192\.168\.0\.193/,
    );
  });
});

test('the same document as it was written, with its pasted blocks', () => {
  const {graph, nodes, unrecognised} = imported([file('seed/pod-to-pod.md', 'pod-to-pod.md')]);
  expect(unrecognised).toEqual([]);
  expect(nodes).toEqual(['k8s-01']);
  const gap = graph.gaps.find(({fact}) => fact === 'sockets')!;
  expect(gap.reason).toBe(
    'Of k8s-01, what “sudo netstat -antp | grep cilium” printed was filtered by grep: other sockets are not seen.',
  );
});

describe('three nodes, captured', () => {
  const files = [
    ...filesBelow('three-node'),
    ...['atlas', 'borea', 'cairn'].flatMap(node => [
      {...file(`ss/${node}.txt`), below: `${node}/ss.txt`},
      {...file(`ss/${node}-netstat.txt`), below: `${node}/netstat.txt`},
      {...file(`ss/${node}-pod.txt`), below: `${node}/pod-ss.txt`},
    ]),
  ];
  const {graph, nodes, unrecognised} = imported(files);

  test('nodes by directory; everything but the summary of one pod is recognised', () => {
    expect(nodes).toEqual(['atlas', 'borea', 'cairn']);
    expect(unrecognised.map(({file: name}) => name)).toEqual([
      'atlas/pod-pid.txt',
      'borea/pod-pid.txt',
      'cairn/pod-pid.txt',
    ]);
    for (const gap of graph.gaps)
      expect(`${gap.fact}: ${gap.reason}`).not.toMatch(
        /not understood|no process:|no row|In what was pasted/,
      );
  });

  test('pods by name, their interfaces from both sides, and a reason where one was not captured', () => {
    const answer = answerOf(pods.ask(graph, []));
    expect(answer.pods).toHaveLength(9);
    const joined = answer.pods.filter(({attachments}) => attachments.some(({grade}) => grade === 'proven'));
    expect(joined.map(({node, addresses}) => `${node} ${addresses}`).sort()).toEqual([
      'atlas 10.88.1.7',
      'borea 10.88.2.6',
      'cairn 10.88.3.7',
    ]);
    const without = answer.pods.filter(({addresses}) => addresses.length === 0);
    expect(without.length).toBeGreaterThan(0);
    for (const {pod} of without)
      expect(graph.gaps.some(({reason}) => reason.includes(`Not pasted of ${pod}: its interfaces`))).toBe(
        true,
      );
  });

  test('sockets are not counted twice where ss and netstat were pasted', () => {
    // `ss` shows 165 of the node’s own namespace and 2 of the pod’s.
    expect(graph.nodes[0]!.snapshot!.sockets!.value.count).toBe(167);
    // One connection of the agents from node to node, both ends with their process.
    const {table} = {table: graph.nodes[0]!.snapshot!.sockets!.value};
    expect(table.netns).toHaveLength(2);
  });

  test('the API’s pods are the same pods, and give the missing addresses', () => {
    const all = imported([
      ...files,
      file('kube/pods.json', 'pods.json'),
      file('kube/nodes.json', 'nodes.json'),
    ]);
    expect(all.nodes).toEqual(['atlas', 'borea', 'cairn']);
    expect(all.graph.nodes).toHaveLength(3);
    expect(all.graph.pods).toHaveLength(9);
    expect(all.graph.pods.map(({key, addresses}) => [key, addresses.length > 0])).not.toContainEqual([
      expect.anything(),
      false,
    ]);
    expect(all.graph.pods.find(({name}) => name === 'db-0')).toMatchObject({
      addresses: ['10.88.2.7'],
      listed: {owner: 'StatefulSet/db'},
    });
  });
});

describe('which node', () => {
  const NETSTAT = new TextDecoder().decode(file('seed/netstat-antp-cilium.txt').out);

  test.each([
    ['a file’s own name', [pasted('worker-1-netstat.txt', NETSTAT)], undefined, ['worker-1']],
    ['the flag', [pasted('netstat.txt', NETSTAT)], 'n7', ['n7']],
    ['a prompt before the flag', [pasted('x.txt', `root@w2:~# netstat -antp\n${NETSTAT}`)], 'n7', ['w2']],
    [
      'a directory',
      [{...pasted('w3/netstat.txt', NETSTAT), below: 'w3/netstat.txt', directory: '/tmp/dir'}],
      undefined,
      ['w3'],
    ],
    [
      'the directory given',
      [{...pasted('netstat.txt', NETSTAT), below: 'netstat.txt', directory: '/tmp/w4'}],
      undefined,
      ['w4'],
    ],
    ['nothing at all', [pasted('netstat.txt', NETSTAT)], undefined, ['pasted']],
    [
      'a name that a prompt in another file has',
      [pasted('a.txt', `root@w5:~# netstat -antp\n${NETSTAT}`), file('seed/ps-eaf-2029.txt', 'ps_w5.txt')],
      undefined,
      ['w5'],
    ],
  ] as const)('by %s', (_, files, node, nodes) => {
    expect(imported(files, node).nodes).toEqual(nodes);
  });
});

describe('who holds a socket', () => {
  test('netstat alone tells processes; without -p it is not known', () => {
    const {graph} = imported([file('seed/netstat-antp-cilium.txt', 'netstat.txt')]);
    expect(graph.nodes[0]!.processes.map(({process: {pid, name}}) => [pid, name])).toEqual([
      [2029, 'cilium-agent'],
    ]);
    const bare = imported([
      pasted(
        'netstat.txt',
        'Proto Recv-Q Send-Q Local Address Foreign Address State\ntcp        0      0 0.0.0.0:22     0.0.0.0:*    LISTEN\n',
      ),
    ]);
    const {sockets: list} = answerOf(sockets.ask(bare.graph, [])) as never as {
      sockets: Parameters<typeof socketAt>[0];
    };
    expect(socketAt(list, 0).held).toBe('not known: what was read shows neither its inode nor its process');
  });

  test('ss -tnp, with its heading and without the protocol', () => {
    const text = [
      'State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process',
      'LISTEN 0      128        127.0.0.1:9879      0.0.0.0:*     users:(("cilium-agent",pid=2029,fd=31))',
      'ESTAB  0      0       192.168.0.67:44636 192.168.0.108:4240 users:(("cilium-agent",pid=2029,fd=36))',
    ].join('\n');
    const {graph, world} = imported([pasted('w1-ss.txt', `${text}\n`)]);
    const {sockets: list} = answerOf(sockets.ask(graph, [])) as never as {
      sockets: Parameters<typeof socketAt>[0];
    };
    expect(
      [0, 1].map(i => socketAt(list, i)).map(({state, protocol, pid, held}) => [state, protocol, pid, held]),
    ).toEqual([
      ['LISTEN', 'tcp', 2029, 'held by 2029/cilium-agent'],
      ['ESTAB', 'tcp', 2029, 'held by 2029/cilium-agent'],
    ]);
    const [evidence] = socketAt(list, 1).evidence;
    expect(evidenceText(evidence!, world.evidence(evidence!), undefined).lines[0]).toMatch(
      /^ESTAB .*fd=36\)\)$/,
    );
  });
});
