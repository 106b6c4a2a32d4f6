/** Everything that a node executes for hoptop is what `hoptop commands` prints: by a log of what was really executed. */
import {spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import {commandsText} from '../../source/cli/commands.ts';
import {bootCommand} from '../../source/wire/agent.ts';
import {type Declared, declaredBy} from './declared.ts';
import {onNode, podOf, starts, statusOf} from './harness.ts';
import {type Trace, traceOf, traceSshd} from './traced.ts';
import {ask, hoptop, hoptopArgv, labsFor, nameOf, runs, scratch, until} from './walk.ts';
import {person} from './walk-terminal.ts';

const FILE = 'ran';
const topology = topologies.find(each => each.datapath === 'routed')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);
const NODE = topology.nodes[1]!;
const ROOT = resolve(import.meta.dirname, '../..');

/** The trace, once every process of every login has ended. */
const ended = (): Promise<Trace> =>
  until(70, () => {
    const trace = traceOf(name, NODE.name, bootCommand);
    expect(trace.left).toEqual([]);
    return trace;
  });

const undeclared = (declared: Declared, {executed}: Trace) => [
  ...new Set(executed.filter(({argv}) => !declared.allows(argv)).map(({argv}) => argv.join(' '))),
];

const traces = spawnSync('strace', ['-V']).status === 0;
if (!traces) console.warn('SKIPPED: what a node executes, since strace is not installed.');
if (process.env['CI']) test('in CI there is strace: a skip is a failure', () => expect(traces).toBe(true));

test('what is declared is told from what is not', () => {
  const declared = declaredBy(commandsText());
  const of = (line: string) => declared.allows(line.split(' '));
  for (const line of [
    'ip -j -d -s -force -batch -',
    'ss -tunaieH',
    'nsenter --net=/proc/12/ns/net -- ss -tunaieH',
    'nsenter --net=/run/netns/cni-1 -- ip -j -d -s -force -batch -',
    'renice -n 10 -p 4711',
    'tail -c +1',
    'head -c 256',
    'timeout 1 cat',
    'sudo -n sh -c :',
    'doas -n sh -c :',
    'ping -q -c 10 -i 0.2 -W 1 10.0.0.1',
  ])
    expect(of(line), line).toBe(true);
  for (const line of [
    'ip -j -d -s -force -batch /tmp/x',
    'ip link set eth0 down',
    'ss -K',
    'nsenter --net=/proc/12/ns/net -- sh',
    'nsenter --target 1 --net ss -tunaieH',
    'cat /etc/shadow',
    'sudo -n id',
    'tee /proc/sys/net/ipv4/ip_forward',
    'ping -c 10 10.0.0.1',
    'sh -c id',
  ])
    expect(of(line), line).toBe(false);
});

describe.runIf(runs && traces)('a full session', {timeout: 240_000}, () => {
  let declared: Declared;
  let printed = '';
  let trace: Trace;

  beforeAll(async () => {
    printed = (await hoptop(name, ['commands'], {source: []})).out;
    declared = declaredBy(printed);
    traceSshd(name, NODE.name);
    const pods = topology.pods.filter(pod => pod.node === NODE.name && !pod.hostNetwork);
    const [pod, other] = pods.map(each => podOf(statusOf(name), `${each.namespace}/${each.name}`));
    const words = `${pod!.namespace}/${pod!.name}`;
    type Connected = {
      sockets: {state: string; local: string; localPort: number; remote: string; remotePort: number}[];
    };
    const {sockets} = await ask<Connected>(name, ['sockets', NODE.name]);
    const flow = sockets.find(({state}) => state === 'ESTAB')!;
    const questions: string[][] = [
      ['overview'],
      ['node', NODE.name],
      ['interfaces'],
      ['processes'],
      ['routes'],
      ['pods'],
      ['pod', words],
      ['link', `${NODE.name}/eth0`],
      ['process', `${NODE.name}:1`],
      ['peers', NODE.name],
      ['connection', `${flow.local}:${flow.localPort}-${flow.remote}:${flow.remotePort}`],
      ['services'],
      ['mesh'],
      ['access'],
      ['path', words, `${other!.namespace}/${other!.name}`, '--verify', '--probe'],
      ['record', scratch('all.hop'), '--for', '6'],
    ];
    const left = [...questions];
    const ask3 = async () => {
      for (let each = left.shift(); each !== undefined; each = left.shift()) {
        const {status, err} = await hoptop(name, each);
        expect(status, `${each.join(' ')}: ${err}`).toBe(0);
      }
    };
    await Promise.all([ask3(), ask3(), ask3()]);
    // An ordinary user, who tries sudo and doas (which strace bars), and reads by the kernel's files.
    const inventory = scratch('visitor.yaml');
    writeFileSync(inventory, `nodes:\n  - {name: n, host: ${NODE.address}, user: visitor}\n`);
    expect((await hoptop(name, ['access'], {inventory})).out).toMatch(/ visitor +uid 1802 /);
    const screen = person(hoptopArgv(name, []));
    await screen.shows('3 nodes · 16 pods');
    await screen.reaches(new RegExp(`\\b${NODE.name}\\b`));
    await screen.press('Enter');
    await screen.shows(new RegExp(`› node ${NODE.name}`));
    for (let facet = 0; facet < 4; facet++) await screen.press('Tab');
    await screen.press('q');
    await screen.ended;
    trace = await ended();
  }, 240_000);

  test('executes nothing but what `hoptop commands` prints', () => {
    expect(trace.sessions).toBeGreaterThanOrEqual(18);
    const programs = new Set(trace.executed.map(({argv}) => argv[0]!.split('/').at(-1)!));
    console.log(
      `${trace.sessions} logins executed ${trace.executed.length} commands of ${[...programs].sort().join(' ')}; ${declared.count} are declared`,
    );
    for (const program of ['ip', 'ss', 'bridge', 'nsenter', 'find', 'grep', 'iptables-nft-save'])
      expect(programs, program).toContain(program);
    expect(trace.executed.some(({argv}) => argv.includes('ping') || argv[0]!.endsWith('/ping'))).toBe(true);
    for (const tool of ['sudo', 'sed']) expect(programs, tool).toContain(tool);
    expect(undeclared(declared, trace)).toEqual([]);
  });

  test('what one reader runs is missed when it is not printed', () => {
    const lines = printed.split('\n');
    const at = lines.findIndex(line => line.startsWith('owners ('));
    expect(at).toBeGreaterThan(0);
    const without = declaredBy([...lines.slice(0, at + 1), ...lines.slice(at + 2)].join('\n'));
    expect(undeclared(without, trace).some(line => line.startsWith('find '))).toBe(true);
  });

  test('writes no file and leaves no process', () => {
    expect(trace.writes).toEqual([]);
    expect(trace.left).toEqual([]);
  });

  test('what is planted is caught: a command, a file', async () => {
    const script = scratch('plant.ts');
    writeFileSync(
      script,
      `import {createRemoteSource} from ${JSON.stringify(`${ROOT}/source/wire/remote.ts`)};
       import {sshDial} from ${JSON.stringify(`${ROOT}/source/wire/ssh/dial.ts`)};
       import {headless} from ${JSON.stringify(`${ROOT}/source/wire/prompter.ts`)};
       const dial = sshDial({targets: new Map([['n', 'root@${NODE.address}']]), prompter: headless, flags: {
         'ssh-config': 'none', identity: ['/run/hoptop-lab/${name}/id_ed25519'], 'known-hosts': '/run/hoptop-lab/${name}/known_hosts'}});
       const source = createRemoteSource({nodes: ['n'], dial});
       const reader = {name: 'planted@1', fact: 'planted', scope: 'node', why: '', limit: 1000, timeout: 5,
         command: 'cat /etc/hostname >/tmp/planted'};
       for await (const event of source.sweep([{node: 'n', reader, scope: 'node'}], new AbortController().signal));
       await source.close();`,
    );
    const {heard, ended: over} = starts('ip', 'netns', 'exec', `${name}-fabric`, process.execPath, script);
    expect(await over, heard.err).toBe(0);
    const planted = await ended();
    expect(undeclared(declared, planted)).toEqual(['cat /etc/hostname']);
    expect(planted.writes).toEqual([expect.stringContaining('"/tmp/planted", O_WRONLY|O_CREAT|O_TRUNC')]);
    onNode(name, NODE.name, 'rm /tmp/planted');
  });
});
