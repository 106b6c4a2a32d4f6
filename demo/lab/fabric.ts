/** The fabric namespace, which joins the nodes, and who is outside of the cluster. */
import {spawn} from 'node:child_process';
import {mkdir, open} from 'node:fs/promises';
import {join} from 'node:path';
import {type Hierarchy, makeGroups} from './cgroups.ts';
import {run} from './run.ts';
import {fabricOf, labDir, OUTSIDE} from './state.ts';
import type {ProgramPlan, Topology} from './topology.ts';

const ip = (netns: string, lines: readonly string[]) =>
  run(['ip', '-n', netns, '-batch', '-'], {input: `${lines.join('\n')}\n`});

const forward = (netns: string) =>
  run([
    ...['ip', 'netns', 'exec', netns, 'sh', '-c'],
    'for family in ipv4 ipv6/conf/all; do case $family in ipv4) f=ip_forward;; *) f=forwarding;; esac; echo 1 > /proc/sys/net/$family/$f; done',
  ]);

/** The namespace that hoptop is run in: bridges that the nodes' cards hang on, and the addresses of the outside. */
export const makeFabric = async (lab: string, topology: Topology) => {
  const netns = fabricOf(lab);
  const {fabric, fabric6, bridges = [], outside} = topology;
  await run(['ip', 'netns', 'add', netns]);
  await ip(netns, [
    'link set lo up',
    `address add ${outside.address}/32 dev lo`,
    ...(outside.address6 ? [`address add ${outside.address6}/128 dev lo`] : []),
    ...[{name: 'fabric0', address: fabric}, ...bridges].flatMap(({name, address}) => [
      `link add ${name} type bridge`,
      `address add ${address} dev ${name}`,
      ...(name === 'fabric0' && fabric6 ? [`address add ${fabric6} dev ${name} nodad`] : []),
      `link set ${name} up`,
    ]),
  ]);
  if (bridges.length) await forward(netns);
};

const GROUPS_THEN = 'for procs in $1; do echo $$ > "$procs" || exit 1; done; shift; exec "$@"';

/** Starts a program in a network namespace of the machine, in the lab's own control groups so that `down` finds it. */
const startIn = async (
  lab: string,
  netns: string,
  procs: readonly string[],
  argv: readonly string[],
  log: string,
) => {
  await mkdir(join(labDir(lab), OUTSIDE), {recursive: true});
  const file = await open(join(labDir(lab), OUTSIDE, log), 'a');
  const child = spawn(
    'sh',
    [...['-c', GROUPS_THEN, 'sh', procs.join(' ')], 'nsenter', `--net=/run/netns/${netns}`, '--', ...argv],
    {detached: true, stdio: ['ignore', file.fd, file.fd], cwd: '/'},
  );
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  child.unref();
  await file.close();
};

/** Starts programs outside of the cluster; what they say is in `outside/PROGRAM.log` of the lab's directory. */
export const startOutside = async (
  lab: string,
  programs: readonly ProgramPlan[],
  all: readonly Hierarchy[],
  fill: (word: string) => string,
) => {
  const procs = await makeGroups(all, lab, OUTSIDE);
  for (const {name, roles} of programs) {
    const argv = ['perl', join(import.meta.dirname, 'traffic.pl'), name, ...roles.map(fill)];
    await startIn(lab, fabricOf(lab), procs, argv, `${name}.log`);
  }
};
