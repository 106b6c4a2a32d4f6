/** Brings a lab up. */
import {randomUUID} from 'node:crypto';
import {mkdir, rm} from 'node:fs/promises';
import {machineHierarchies} from './cgroups.ts';
import {connectCri, startPod} from './cri.ts';
import {buildImage} from './image.ts';
import {keyFile, knownHostsFile, makeKeys} from './keys.ts';
import {kubeProxyRules} from './kube-proxy.ts';
import {bootNode, criSocket, enter, startDaemons, wireNode} from './node.ts';
import {hasNetns, run, together} from './run.ts';
import {
  fabricOf,
  identify,
  isAlive,
  type LabState,
  labDir,
  type RunningPod,
  readState,
  writeState,
} from './state.ts';
import type {PodPlan, Topology} from './topology.ts';

export type Progress = (step: string) => void;

const REFERENCE = /\{(pod|svc):([^}]+)\}/g;

/** The pods that must run before one can start: those it calls by address, and those behind the services it calls. */
const callees = (pod: PodPlan, topology: Topology): PodPlan[] => {
  const words = pod.containers.flatMap(({run: what}) => ('command' in what ? what.command : what.roles));
  const references = words.flatMap(word => [...word.matchAll(REFERENCE)]);
  return references.flatMap(([, kind, name]) => {
    const service = topology.services.find(each => `${each.namespace}/${each.name}` === name);
    return topology.pods.filter(other =>
      kind === 'svc'
        ? other.namespace === service?.namespace && other.app === service.app
        : `${other.namespace}/${other.name}` === name,
    );
  });
};

/**
 * Pods in the order they can start: each stage calls only pods of the stages before it.
 * @throws when pods call each other in a ring
 */
export const stages = (topology: Topology): PodPlan[][] => {
  const made: PodPlan[][] = [];
  for (let left = topology.pods; left.length; ) {
    const stage = left.filter(pod => !callees(pod, topology).some(callee => left.includes(callee)));
    if (!stage.length)
      throw new Error(
        `Pods of topology ${topology.name} call each other in a ring: ${left.map(pod => pod.name).join(', ')}.`,
      );
    made.push(stage);
    left = left.filter(pod => !stage.includes(pod));
  }
  return made;
};

/** The references in a word, replaced by addresses. */
const filler = (topology: Topology, pods: readonly RunningPod[]) => (word: string) =>
  word.replace(REFERENCE, (whole, kind: string, name: string) => {
    const found =
      kind === 'svc'
        ? topology.services.find(service => `${service.namespace}/${service.name}` === name)?.clusterIp
        : pods.find(pod => `${pod.namespace}/${pod.name}` === name)?.ip;
    if (!found) throw new Error(`Topology ${topology.name} refers to ${whole}, which is not there.`);
    return found;
  });

/** The line that opens hoptop on a lab. */
export const pasteLine = (name: string, topology: Topology) =>
  `ip netns exec ${fabricOf(name)} npx hoptop --nodes ${topology.nodes.map(node => `root@${node.address}`).join(',')} ` +
  `-i ${keyFile(name)} --known-hosts ${knownHostsFile(name)}`;

const makeFabric = async (name: string, topology: Topology) => {
  const fabric = fabricOf(name);
  await run(['ip', 'netns', 'add', fabric]);
  const lines = [
    'link set lo up',
    'link add fabric0 type bridge',
    `address add ${topology.fabric} dev fabric0`,
    'link set fabric0 up',
  ];
  await run(['ip', '-n', fabric, '-batch', '-'], {input: `${lines.join('\n')}\n`});
};

/** @throws with one sentence when a lab of that name, or something else it would be called, is there. */
export const refuseIfThere = async (name: string) => {
  const clear = `\`npm run lab -- down --name ${name}\``;
  const state = await readState(name);
  if (!state) {
    if (await hasNetns(fabricOf(name)))
      throw new Error(
        `A network namespace ${fabricOf(name)} is here that no lab made; choose another --name.`,
      );
    return;
  }
  const making = await isAlive(state.maker);
  const alive = (await Promise.all(state.nodes.map(node => isAlive(node.init)))).some(Boolean);
  if (state.phase === 'up' && alive)
    throw new Error(
      `Lab ${name} is up already (${state.topology}); take it down with ${clear}, or choose another --name.`,
    );
  if (state.phase === 'starting' && making)
    throw new Error(
      `Lab ${name} is being brought up by process ${state.maker.pid}; wait for it, or choose another --name.`,
    );
  throw new Error(`Lab ${name} is what a crash or a reboot left; clear it with ${clear}.`);
};

/**
 * Makes a whole lab. What was made when it throws is for the caller to take down.
 * @returns its final state, also in its state file
 */
export const up = async (
  name: string,
  topology: Topology,
  progress: Progress,
  signal: AbortSignal,
): Promise<LabState> => {
  let state: LabState = {
    name,
    topology: topology.name,
    phase: 'starting',
    maker: await identify(process.pid),
    fabric: fabricOf(name),
    nodes: [],
    pods: [],
  };
  const note = async (change: Partial<LabState>) => {
    state = {...state, ...change};
    await writeState(state);
  };
  await mkdir(labDir(name), {recursive: true});
  await note({});
  const all = await machineHierarchies();

  progress('keys, image and fabric');
  await makeFabric(name, topology);
  const [image] = await together([buildImage(labDir(name)), makeKeys(name, topology.nodes)]);
  signal.throwIfAborted();

  progress(`nodes ${topology.nodes.map(node => node.name).join(', ')}`);
  for (const node of topology.nodes) {
    const running = await bootNode(name, topology, node, all);
    await note({nodes: [...state.nodes, running]});
    signal.throwIfAborted();
    await wireNode(name, topology, node, running, signal);
  }
  progress('sshd and containerd on every node');
  await together(state.nodes.map(running => startDaemons(running, image, signal)));
  await rm(image);

  await startPods(topology, () => state, note, progress, signal);
  await note({phase: 'up'});
  return state;
};

const startPods = async (
  topology: Topology,
  state: () => LabState,
  note: (change: Partial<LabState>) => Promise<void>,
  progress: Progress,
  signal: AbortSignal,
) => {
  const {nodes} = state();
  const cris = new Map(nodes.map(node => [node.name, connectCri(criSocket(node.init.pid))]));
  try {
    for (const [index, stage] of stages(topology).entries()) {
      progress(`pods ${stage.map(pod => pod.name).join(', ')}${index ? ', which call those before' : ''}`);
      const fill = filler(topology, state().pods);
      const started = await together(
        nodes.map(async node => {
          const made: RunningPod[] = [];
          for (const plan of stage.filter(pod => pod.node === node.name)) {
            signal.throwIfAborted();
            made.push(await startPod(cris.get(node.name)!, plan, randomUUID(), fill));
          }
          return made;
        }),
      );
      await note({pods: [...state().pods, ...started.flat()]});
      // Before anybody calls: a UDP flow that conntrack saw first without the rules would never be translated.
      await writeServices(topology, state());
    }
  } finally {
    for (const cri of cris.values()) cri.close();
  }
};

/** Writes the services' rules on every node, for the pods that run by now. */
const writeServices = async (topology: Topology, {nodes, pods}: LabState) => {
  const endpoints = (service: Topology['services'][number]) =>
    topology.pods
      .filter(plan => plan.namespace === service.namespace && plan.app === service.app)
      .flatMap(plan => pods.filter(pod => pod.namespace === plan.namespace && pod.name === plan.name))
      .map(pod => pod.ip);
  const input = kubeProxyRules(topology.services, topology.clusterCidr, endpoints);
  await together(nodes.map(node => run(enter(node.init.pid, ['iptables-restore']), {input})));
};
