/** What a lab is made of right now. */
import {groupOf, machineHierarchies, processesIn} from './cgroups.ts';
import {isAlive, type LabState, type RunningNode} from './state.ts';

export type NodeStatus = {name: string; address: string; pid: number; alive: boolean; processes: number};
export type PodStatus = {
  namespace: string;
  name: string;
  node: string;
  uid: string;
  ip: string;
  ip6?: string;
  hostNetwork: boolean;
  sandbox: string;
  /** `pids` as the machine numbers them; empty when the container is gone. */
  containers: {name: string; id: string; pids: number[]}[];
};
export type LabStatus = {
  name: string;
  topology: string;
  phase: 'starting' | 'up' | 'interrupted' | 'broken';
  fabric: string;
  nodes: NodeStatus[];
  routers: NodeStatus[];
  pods: PodStatus[];
};

/** Reads pids from the lab's cgroups, so it tells what runs, not what was once started. */
export const statusOf = async (state: LabState): Promise<LabStatus> => {
  const all = await machineHierarchies();
  // Any hierarchy that runc uses tells a container's processes; not every one needs to be one of them.
  const pidsIn = async (...path: string[]) => {
    const found = await Promise.all(
      all.map(hierarchy => processesIn(groupOf(hierarchy, state.name, path.join('/')))),
    );
    return [...new Set(found.flat())].sort((a, b) => a - b);
  };
  const machine = async ({name, address, init}: RunningNode) => {
    const alive = await isAlive(init);
    return {name, address, pid: init.pid, alive, processes: (await pidsIn(name)).length};
  };
  const nodes = await Promise.all(state.nodes.map(machine));
  const routers = await Promise.all((state.routers ?? []).map(machine));
  const pods = await Promise.all(
    state.pods.map(async pod => {
      const group = ['kubepods', 'besteffort', `pod${pod.uid}`];
      const containers = await Promise.all(
        pod.containers.map(async each => ({...each, pids: await pidsIn(pod.node, ...group, each.id)})),
      );
      const {namespace, name, node, uid, ip, ip6, hostNetwork, sandbox} = pod;
      return {namespace, name, node, uid, ip, ...(ip6 && {ip6}), hostNetwork, sandbox, containers};
    }),
  );
  const makes = await isAlive(state.maker);
  const broken = [...nodes, ...routers].some(node => !node.alive) || !nodes.length;
  const phase = state.phase === 'starting' ? (makes ? 'starting' : 'interrupted') : broken ? 'broken' : 'up';
  const {name, topology, fabric} = state;
  return {name, topology, phase, fabric, nodes, routers, pods};
};

/** The same for people. */
export const statusText = (status: LabStatus): string => {
  const rows = status.pods.map(pod => {
    const containers = pod.containers
      .map(each => `${each.name} ${each.pids.join(' ') || 'not running'}`)
      .join(', ');
    return `  ${`${pod.namespace}/${pod.name}`.padEnd(44)} ${pod.node.padEnd(10)} ${(pod.ip || 'host').padEnd(15)} ${containers}`;
  });
  return [
    `lab ${status.name}: ${status.phase}, topology ${status.topology}, fabric namespace ${status.fabric}`,
    ...[...status.nodes, ...status.routers].map(
      node =>
        `  ${node.name.padEnd(10)} ${node.address.padEnd(15)} ${node.alive ? `alive, first process ${node.pid}, ${node.processes} processes` : 'dead'}`,
    ),
    ...rows,
  ].join('\n');
};
