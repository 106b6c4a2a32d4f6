/** Runs the lab's own command line, and looks at the machine from outside. */
import {spawn, spawnSync} from 'node:child_process';
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {LabStatus} from '../../demo/lab/status.ts';

const LAB = join(import.meta.dirname, '../../demo/lab/lab.ts');

export type Done = {status: number; out: string; err: string};

const done = (argv: readonly string[]): Done => {
  const {status, stdout, stderr} = spawnSync(argv[0]!, argv.slice(1), {encoding: 'utf8', timeout: 60_000});
  return {status: status ?? -1, out: stdout, err: stderr};
};

export const lab = (...words: string[]): Done => done([process.execPath, LAB, ...words]);

/** Starts a command without waiting for it. */
export const starts = (command: string, ...words: string[]) => {
  const child = spawn(command, words, {stdio: ['ignore', 'pipe', 'pipe']});
  const heard = {out: '', err: ''};
  child.stdout.setEncoding('utf8').on('data', text => {
    heard.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    heard.err += text;
  });
  const ended = new Promise<number | null>(resolve => child.on('close', resolve));
  return {child, heard, ended};
};

export const labStarts = (...words: string[]) => starts(process.execPath, LAB, ...words);

/** A shell script's output on a node; fails with what the node said. */
export const onNode = (name: string, node: string, script: string): string => {
  const {status, out, err} = lab('exec', '--name', name, node, 'sh', '-c', script);
  if (status !== 0) throw new Error(`On ${node}: status ${status}, ${err}`);
  return out;
};

export const statusOf = (name: string): LabStatus =>
  (JSON.parse(lab('status', '--name', name, '-o', 'json').out) as {labs: LabStatus[]}).labs[0]!;

/** A pod's status by its `namespace/name`, of which the end may be left out. */
export const podOf = (status: LabStatus, start: string) => {
  const found = status.pods.find(pod => `${pod.namespace}/${pod.name}`.startsWith(start));
  if (!found) throw new Error(`No pod ${start}.`);
  return found;
};

/** A command's output in a pod's network namespace, run with the machine's own tools. */
export const inPod = (status: LabStatus, pod: string, ...command: string[]): string => {
  const {
    status: code,
    out,
    err,
  } = done(['nsenter', '-t', String(podOf(status, pod).containers[0]!.pids[0]), '-n', ...command]);
  if (code !== 0) throw new Error(`In ${pod}: ${err}`);
  return out;
};

/** ssh from the fabric namespace as the printed line does. */
export const ssh = (name: string, user: string, address: string, command: string): Done =>
  done([
    ...[
      'ip',
      'netns',
      'exec',
      `${name}-fabric`,
      'ssh',
      '-F',
      'none',
      '-i',
      `/run/hoptop-lab/${name}/id_ed25519`,
    ],
    ...['-o', `UserKnownHostsFile=/run/hoptop-lab/${name}/known_hosts`, '-o', 'GlobalKnownHostsFile=none'],
    ...[
      '-o',
      'BatchMode=yes',
      '-o',
      'StrictHostKeyChecking=yes',
      '-o',
      'ConnectTimeout=3',
      `${user}@${address}`,
      command,
    ],
  ]);

export type Socket = {state: string; sendQueue: number; local: string; peer: string};

/** Rows of `ss -Htan` or `ss -Huan`; IPv4 addresses in IPv6 sockets are written as IPv4. */
export const sockets = (text: string): Socket[] =>
  text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const [state = '', , sendQueue, local = '', peer = ''] = line.trim().split(/\s+/);
      const plain = (address: string) => address.replace(/^\[::ffff:([\d.]+)\]/, '$1');
      return {state, sendQueue: Number(sendQueue), local: plain(local), peer: plain(peer)};
    });

/** Tries until the attempt passes; a lab's traffic takes seconds to settle. */
export const eventually = async <T>(attempt: () => T | Promise<T>, seconds = 20): Promise<T> => {
  for (const end = Date.now() + seconds * 1000; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await sleep(250);
  }
};

/** Everything on this machine that bears a lab's name, and the given network namespaces where anybody still has them. */
export const remains = (name: string, netns: ReadonlySet<string> = new Set()): string[] => {
  const found: string[] = [];
  const named = done(['ip', 'netns', 'list'])
    .out.split('\n')
    .filter(line => line.startsWith(`${name}-`));
  found.push(...named.map(line => `netns ${line}`));
  found.push(
    ...done(['find', '/run/hoptop-lab', '-maxdepth', '1', '-name', name]).out.split('\n').filter(Boolean),
  );
  found.push(
    ...done(['find', '/sys/fs/cgroup', '-path', `*/hoptop-lab/${name}`])
      .out.split('\n')
      .filter(Boolean),
  );
  const quietly = (read: () => string) => {
    try {
      return read();
    } catch {
      return ''; // the process ended meanwhile
    }
  };
  for (const pid of readdirSync('/proc').filter(entry => /^\d+$/.test(entry))) {
    // Dead and not yet collected by its parent: only its number is left.
    if (/\) [ZX] /.test(quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8')))) continue;
    const mounts = quietly(() => readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
    if (mounts.includes(`/hoptop-lab/${name}/`)) found.push(`mount in process ${pid}`);
    const own = quietly(() => readlinkSync(`/proc/${pid}/ns/net`));
    if (netns.has(own)) found.push(`process ${pid} in ${own}`);
    const group = quietly(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    if (group.includes(`/hoptop-lab/${name}`)) found.push(`process ${pid} in cgroup ${group}`);
  }
  return found;
};

/** Network namespaces of all of a lab's nodes and pods, as `/proc/PID/ns/net` names them. */
export const netnsOf = (status: LabStatus): Set<string> => {
  const pids = [
    ...status.nodes.map(node => node.pid),
    ...status.pods.flatMap(pod => pod.containers.flatMap(each => each.pids)),
  ];
  return new Set(pids.map(pid => readlinkSync(`/proc/${pid}/ns/net`)));
};
