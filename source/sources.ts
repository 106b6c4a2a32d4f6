/** Which adapter reads what `start` names. Apart from the engine, so that nodes are dialled while that is loaded. */

import type {Target} from './cli/targets.ts';
import type {Start} from './drive.ts';
import {type Flags, UsageError} from './options.ts';
import {sshTargetOf} from './ssh-target.ts';
import {BECOME, type Become, createBecome} from './wire/become.ts';
import {createLocalSource} from './wire/local.ts';
import type {Prompter} from './wire/prompter.ts';
import {createRemoteSource, type RemoteSource} from './wire/remote.ts';
import type {Dial} from './wire/shell.ts';
import type {Source} from './wire/source.ts';
import type {SshOptions} from './wire/ssh/dial.ts';
import type {Target as SshTarget} from './wire/ssh/target.ts';
import {together} from './wire/together.ts';

/** The live source that `start` names. ssh2, and what speaks to the Kubernetes API, are loaded only where they are needed. */
export async function openSource(start: Start, prompter: Prompter): Promise<Source> {
  const {origin, flags} = start;
  if (origin.kind === 'recording') throw new Error('A recording is not a live source.');
  const become = becomeBy(flags, prompter);
  const named = origin.kind === 'ssh' ? origin.targets : [];
  const asked = origin.kind === 'kube' || asksApi(flags);
  const cluster = asked ? await openCluster(flags, named, prompter, become) : undefined;
  if (origin.kind === 'kube') {
    const {followNodes, nodesByApi} = await import('./kube-nodes.ts');
    const targets = new Map<string, SshTarget>();
    const listed = await nodesByApi(cluster!);
    return followNodes(await openNodes(listed, flags, prompter, become, targets), cluster!, targets);
  }
  const nodes =
    origin.kind === 'local'
      ? createLocalSource({node: 'localhost', become})
      : await openNodes(named, flags, prompter, become);
  return cluster ? together(nodes, cluster) : nodes;
}

async function openCluster(
  flags: Flags,
  named: readonly Target[],
  prompter: Prompter,
  become: Become,
): Promise<Source> {
  const {checkKubeconfig, openKube} = await import('./kube.ts');
  await checkKubeconfig(flags);
  return openKube(flags, named, prompter, become);
}

/** Beside nodes that are named the API is asked only on request: another cluster's names would be worse than none. */
function asksApi(flags: Flags): boolean {
  return flags.kubeconfig !== undefined || flags.context !== undefined || flags['kube-via'] !== undefined;
}

function becomeBy({become = 'auto'}: Flags, prompter: Prompter): Become {
  const how = BECOME.find(one => one === become);
  if (how === undefined) throw new UsageError(`--become takes ${BECOME.join(', ')}; this is "${become}".`);
  return createBecome(how, prompter);
}

async function openNodes(
  named: readonly Target[],
  flags: Flags,
  prompter: Prompter,
  become: Become,
  targets = new Map<string, SshTarget>(),
): Promise<RemoteSource> {
  const dialWith = await transport(flags.transport);
  for (const one of named) targets.set(one.id, sshTargetOf(one));
  const kubernetes = new Map(
    named.flatMap(({id, kubernetes: name}) => (name === undefined ? [] : [[id, name] as const])),
  );
  const dial = dialWith({targets, flags, prompter});
  return createRemoteSource({nodes: [...targets.keys()], dial, become, kubernetes});
}

/** Only the one that is used is loaded. */
async function transport(name: string | undefined): Promise<(options: SshOptions) => Dial> {
  switch (name) {
    case undefined:
    case 'ssh2':
      return (await import('./wire/ssh/dial.ts')).sshDial;
    case 'openssh':
      return (await import('./wire/ssh/openssh.ts')).opensshDial;
    default:
      throw new UsageError(`--transport takes ssh2 or openssh; this is "${name}".`);
  }
}
