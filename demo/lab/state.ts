/** What is known of a running lab: /run/hoptop-lab/NAME/state.json, written as things are made, so that `down` works after a crash. */
import {readdir, readFile, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';

export const LABS = '/run/hoptop-lab';

/** A process, told from a later one with the same id by its start time (clock ticks since boot, proc_pid_stat(5) field 22). */
export type Process = {readonly pid: number; readonly start: string};

export type RunningPod = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly hostNetwork: boolean;
  readonly ip: string;
  readonly ip6?: string;
  readonly sandbox: string;
  readonly containers: readonly {readonly name: string; readonly id: string}[];
};

export type RunningNode = {
  readonly name: string;
  readonly address: string;
  /** First process of the node's pid namespace; when it dies, the kernel ends all others. */
  readonly init: Process;
  /** unshare(1), its parent outside. */
  readonly parent: Process;
};

export type LabState = {
  readonly name: string;
  readonly topology: string;
  readonly phase: 'starting' | 'up';
  /** The `lab up` that makes it; a lab that is `starting` while this process is gone was interrupted. */
  readonly maker: Process;
  readonly fabric: string;
  /** Machines like nodes, but without containerd. */
  readonly routers: readonly RunningNode[];
  readonly nodes: readonly RunningNode[];
  readonly pods: readonly RunningPod[];
};

export const labDir = (name: string) => join(LABS, name);
export const nodeDir = (name: string, node: string) => join(LABS, name, 'nodes', node);
export const fabricOf = (name: string) => `${name}-fabric`;
/** The control group of programs in the fabric; no node is called so. */
export const OUTSIDE = 'outside';

/** The start time of a process, or nothing when there is none with that id. */
export const startOf = async (pid: number): Promise<string | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The command in parentheses may hold anything; fields are counted behind its last parenthesis.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
};

/** @throws when the process is already gone. */
export const identify = async (pid: number): Promise<Process> => {
  const start = await startOf(pid);
  if (!start) throw new Error(`Process ${pid} ended before the lab could note it.`);
  return {pid, start};
};

export const isAlive = async ({pid, start}: Process) => (await startOf(pid)) === start;

export const readState = async (name: string): Promise<LabState | undefined> => {
  const text = await readFile(join(labDir(name), 'state.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LabState);
};

export const writeState = async (state: LabState) => {
  const file = join(labDir(state.name), 'state.json');
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${file}.new`, file);
};

/** Names of all labs that left anything in /run/hoptop-lab. */
export const labNames = async () =>
  (await readdir(LABS, {withFileTypes: true}).catch(() => []))
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name);
