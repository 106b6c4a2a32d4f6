/** Brings a lab up. */
import {randomUUID} from 'node:crypto';
import {mkdir, rm} from 'node:fs/promises';
import {machineHierarchies} from './cgroups.ts';
import {type Cri, connectCri} from './cri.ts';
import {wiringOf} from './datapath.ts';
import {makeFabric, startOutside} from './fabric.ts';
import {buildImage} from './image.ts';
import {keyFile, knownHostsFile, makeKeys} from './keys.ts';
import {kubeProxyRules} from './kube-proxy.ts';
import {bootNode, criSocket, enter, startDaemons, startSshd, wireNode} from './node.ts';
import {startContainers, startSandbox} from './pods.ts';
import {eventually, hasNetns, run, together} from './run.ts';
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
import type {PodPlan, ServicePlan, Topology} from './topology.ts';

export type Progress = (step: string) => void;

const REFERENCE = /\{(pod|svc)(6?):([^}]+)\}/g;

/** The pods that must run before one can start: those it calls by address, and those behind the services it calls. */
const callees = (pod: PodPlan, topology: Topology): PodPlan[] => {
  const words = pod.containers.flatMap(({run: what}) => ('command' in what ? what.command : what.roles));
  const references = words.flatMap(word => [...word.matchAll(REFERENCE)]);
  return references.flatMap(([, kind, , name]) => {
    const service = topology.services.find(each => `${each.namespace}/${each.name}` === name);
    return topology.pods.filter(
      other =>
        other !== pod &&
        (kind === 'svc'
          ? other.namespace === service?.namespace && other.app === service.app
          : `${other.namespace}/${other.name}` === name),
    );
  });
};

/**
 * Pods in the order in which their containers start: each stage calls only pods of the stages before it, and itself.
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
  word.replace(REFERENCE, (whole, kind: string, six: string, name: string) => {
    const service = topology.services.find(each => `${each.namespace}/${each.name}` === name);
    const pod = pods.find(each => `${each.namespace}/${each.name}` === name);
    const found = six
      ? kind === 'svc'
        ? service?.clusterIp6
        : pod?.ip6
      : kind === 'svc'
        ? service?.clusterIp
        : pod?.ip;
    if (!found) throw new Error(`Topology ${topology.name} refers to ${whole}, which is not there.`);
    return six ? `[${found}]` : found;
  });

/** The line that opens hoptop on a lab. */
export const pasteLine = (name: string, topology: Topology) =>
  `ip netns exec ${fabricOf(name)} npx hoptop --nodes ${topology.nodes.map(node => `root@${node.address}`).join(',')} ` +
  `-i ${keyFile(name)} --known-hosts ${knownHostsFile(name)}`;

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
    routers: [],
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
  const [image] = await together([buildImage(labDir(name)), makeKeys(name, topology)]);
  signal.throwIfAborted();

  progress(`nodes ${[...(topology.routers ?? []), ...topology.nodes].map(each => each.name).join(', ')}`);
  for (const router of topology.routers ?? []) {
    const running = await bootNode(name, topology, router, all);
    await note({routers: [...state.routers, running]});
    signal.throwIfAborted();
    await wireNode(name, topology, router, [running], signal);
    await startSshd(running);
  }
  for (const node of topology.nodes) {
    const running = await bootNode(name, topology, node, all);
    await note({nodes: [...state.nodes, running]});
    signal.throwIfAborted();
    await wireNode(name, topology, node, [...state.routers, running], signal);
  }
  await startOutside(name, topology.outside.servers, all, word => word);
  progress('sshd and containerd on every node');
  await together(state.nodes.map(running => startDaemons(running, image, signal)));
  await rm(image);
  await settle(topology, state.nodes, progress, signal);

  await startPods(topology, () => state, note, progress, signal);
  await startOutside(name, topology.outside.callers, all, filler(topology, state.pods));
  await note({phase: 'up'});
  return state;
};

/** Waits until the daemons that make routes have made them. */
const settle = async (
  topology: Topology,
  running: LabState['nodes'],
  progress: Progress,
  signal: AbortSignal,
) => {
  const waits = topology.nodes.flatMap((node, index) => {
    const {settled} = wiringOf(topology, node);
    return settled ? [enter(running[index]!.init.pid, settled)] : [];
  });
  if (!waits.length) return;
  progress('routes that the nodes learn');
  await together(waits.map(argv => eventually(30, () => run(argv, {signal}), signal)));
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
  /** Does something for the pods of each node, node by node at once and pod by pod in order. */
  const everywhere = async <From extends {node: string}, To>(
    all: readonly From[],
    make: (cri: Cri, each: From) => Promise<To>,
  ) => {
    const made = await together(
      nodes.map(async node => {
        const own: To[] = [];
        for (const each of all.filter(one => one.node === node.name)) {
          signal.throwIfAborted();
          own.push(await make(cris.get(node.name)!, each));
        }
        return own;
      }),
    );
    return made.flat();
  };
  try {
    progress(`sandboxes of ${topology.pods.length} pods`);
    const sandboxes = await everywhere(topology.pods, (cri, plan) => startSandbox(cri, plan, randomUUID()));
    await note({pods: sandboxes.map(sandbox => sandbox.pod)});
    // Before anybody calls: a flow that conntrack saw first without the rules would never be translated.
    await writeServices(topology, state());
    const fill = filler(topology, state().pods);
    for (const [index, stage] of stages(topology).entries()) {
      progress(`pods ${stage.map(pod => pod.name).join(', ')}${index ? ', which call those before' : ''}`);
      const started = await everywhere(stage, (cri, plan) =>
        startContainers(cri, sandboxes.find(each => each.plan === plan)!, fill),
      );
      await note({pods: state().pods.map(pod => started.find(each => each.uid === pod.uid) ?? pod)});
    }
  } finally {
    for (const cri of cris.values()) cri.close();
  }
};

/** Writes the services' rules on every node. */
const writeServices = async (topology: Topology, {nodes, pods}: LabState) => {
  const endpoints = (address: (pod: RunningPod) => string | undefined) => (service: ServicePlan) =>
    topology.pods
      .filter(plan => plan.namespace === service.namespace && plan.app === service.app)
      .flatMap(plan => pods.filter(pod => pod.namespace === plan.namespace && pod.name === plan.name))
      .flatMap(pod => address(pod) ?? []);
  const {services, clusterCidr, clusterCidr6} = topology;
  const ipv4 = kubeProxyRules(
    services,
    clusterCidr,
    endpoints(pod => pod.ip),
  );
  const ipv6 =
    clusterCidr6 &&
    kubeProxyRules(
      services,
      clusterCidr6,
      endpoints(pod => pod.ip6),
      'ipv6',
    );
  await together(
    nodes.map(async node => {
      await run(enter(node.init.pid, ['iptables-restore', '--noflush']), {input: ipv4});
      if (ipv6) await run(enter(node.init.pid, ['ip6tables-restore', '--noflush']), {input: ipv6});
    }),
  );
};
