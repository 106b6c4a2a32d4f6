import {spawn} from 'node:child_process';
import {down} from '../../demo/lab/down.ts';
import {fabricOf, labDir} from '../../demo/lab/state.ts';
import {topologies} from '../../demo/lab/topologies.ts';
import {refuseIfThere, up} from '../../demo/lab/up.ts';
import {FACTS} from '../../source/facts/catalogue.ts';
import {type Bench, rounds} from './harness.ts';

const LAB = 'bench';
const ROUNDS = 7;
const ROOT = new URL('../..', import.meta.url).pathname;

/**
 * The same reads as hoptop's first sweep, as somebody would send them through `ssh NODE sh`: no framing, no bounds, no
 * second look at the namespaces, and the answers go nowhere. All of this is in its favour.
 */
function sameReads(): string {
  const each = FACTS.filter(({reader}) => reader.scope === 'each-netns' && !reader.asks).map(({reader}) =>
    reader.stdin === undefined
      ? `nsenter --net="$ns" -- ${reader.command}`
      : `printf %s '${reader.stdin}' | nsenter --net="$ns" -- ${reader.command}`,
  );
  return [
    'export LC_ALL=C',
    "all=$(stat -L -c '%i %n' /proc/[0-9]*/ns/net 2>/dev/null | sort -u -k1,1 | cut -d' ' -f2)",
    'hop_pids=$(echo "$all" | sed -n \'s#^/proc/\\([0-9]*\\)/.*#\\1#p\')',
    ...FACTS.filter(({reader}) => reader.scope === 'node').map(({reader}) => `( ${reader.command} )`),
    `for ns in $all; do\n${each.join('\n')}\ndone`,
  ].join('\n');
}

function run(command: readonly string[], input = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn('ip', ['netns', 'exec', fabricOf(LAB), ...command], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.once('error', reject);
    child.once('exit', () => resolve(performance.now() - began));
    child.stdin.end(input);
  });
}

/** From the command to the first complete overview of a real cluster, against plain ssh to all nodes at once. */
export const overview: Bench = {
  name: 'overview',
  title: 'the lab, three nodes: from the command to the first complete overview',
  missing: () => (process.getuid?.() === 0 ? undefined : 'the lab needs root'),
  async run() {
    await refuseIfThere(LAB);
    try {
      const lab = await up(LAB, topologies[0], () => {}, new AbortController().signal);
      const dir = labDir(LAB);
      const [key, known] = [`${dir}/id_ed25519`, `${dir}/known_hosts`];
      const script = sameReads();
      const ssh = (address: string) =>
        run(
          [
            'ssh',
            '-F',
            'none',
            '-i',
            key,
            '-o',
            `UserKnownHostsFile=${known}`,
            `root@${address}`,
            'sh',
            '-s',
          ],
          script,
        );
      const hoptop = [process.execPath, `${ROOT}source/launcher.cjs`, 'overview'];
      // As the line that `lab up` prints, and as ssh is told above: by address.
      const nodes = lab.nodes.map(({address}) => `root@${address}`).join(',');
      const flags = ['--nodes', nodes, '-F', 'none', '-i', key, '--known-hosts', known];
      const took = await rounds(ROUNDS, {
        ssh: async () => {
          const began = performance.now();
          await Promise.all(lab.nodes.map(node => ssh(node.address)));
          return performance.now() - began;
        },
        hoptop: () => run([...hoptop, ...flags]),
        node: () => run([process.execPath, '-e', '0']),
      });
      return [
        {what: 'parallel ssh, the same reads', unit: 'ms', ...took.ssh},
        {what: 'node -e 0', unit: 'ms', ...took.node},
        {what: 'hoptop overview', unit: 'ms', ...took.hoptop, baseline: took.ssh.median, ratio: 1},
      ];
    } finally {
      await down(LAB);
    }
  },
};
