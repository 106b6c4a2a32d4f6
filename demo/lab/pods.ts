/** Makes pods as a kubelet with the cgroupfs driver would: same labels, annotations, log directory and cgroup parent. */
import type {Cri} from './cri.ts';
import {IMAGE} from './image.ts';
import type {RunningPod} from './state.ts';
import type {PodPlan} from './topology.ts';

const labelsOf = ({namespace, name}: PodPlan, uid: string) => ({
  'io.kubernetes.pod.name': name,
  'io.kubernetes.pod.namespace': namespace,
  'io.kubernetes.pod.uid': uid,
});

const namespacesOf = (plan: PodPlan) =>
  plan.hostNetwork ? {network: 'NODE', pid: 'CONTAINER'} : {network: 'POD', pid: 'CONTAINER'};

const sandboxOf = (plan: PodPlan, uid: string) => {
  const {namespace, name} = plan;
  return {
    metadata: {name, namespace, uid, attempt: 0},
    // Like the kubelet: a host-network pod has no UTS namespace of its own, so it may not set a name.
    hostname: plan.hostNetwork ? '' : name,
    log_directory: `/var/log/pods/${namespace}_${name}_${uid}`,
    port_mappings: (plan.hostPorts ?? []).map(({protocol, hostPort, containerPort}) => ({
      protocol: protocol.toUpperCase(),
      host_port: hostPort,
      container_port: containerPort,
    })),
    labels: {...labelsOf(plan, uid), app: plan.app},
    annotations: {
      'kubernetes.io/config.seen': new Date().toISOString(),
      'kubernetes.io/config.source': 'api',
    },
    linux: {
      cgroup_parent: `/kubepods/besteffort/pod${uid}`,
      security_context: {namespace_options: namespacesOf(plan)},
      sysctls: plan.sysctls ?? {},
    },
  };
};

/** A pod's sandbox, which has its addresses already, and what its containers are to be made with. */
export type Sandbox = {
  readonly plan: PodPlan;
  readonly config: ReturnType<typeof sandboxOf>;
  readonly pod: RunningPod;
};

export const startSandbox = async (cri: Cri, plan: PodPlan, uid: string): Promise<Sandbox> => {
  const config = sandboxOf(plan, uid);
  const {pod_sandbox_id} = await cri.call<{pod_sandbox_id: string}>('RunPodSandbox', {config});
  const {status} = await cri.call<{
    status: {network: {ip: string; additional_ips: {ip: string}[]} | null};
  }>('PodSandboxStatus', {pod_sandbox_id});
  const others = status.network?.additional_ips ?? [];
  const ip6 = others.find(({ip}) => ip.includes(':'))?.ip;
  const {namespace, name, node} = plan;
  const pod: RunningPod = {
    namespace,
    name,
    uid,
    node,
    hostNetwork: plan.hostNetwork ?? false,
    ip: status.network?.ip ?? '',
    ...(ip6 && {ip6}),
    sandbox: pod_sandbox_id,
    containers: [],
  };
  return {plan, config, pod};
};

/**
 * Starts a pod's containers.
 * @param fill replaces the references in a word of their command lines
 */
export const startContainers = async (
  cri: Cri,
  {plan, config, pod}: Sandbox,
  fill: (word: string) => string,
): Promise<RunningPod> => {
  const containers = [];
  for (const container of plan.containers) {
    const command =
      'command' in container.run
        ? container.run.command
        : ['/bin/traffic', container.name, ...container.run.roles];
    const {container_id} = await cri.call<{container_id: string}>('CreateContainer', {
      pod_sandbox_id: pod.sandbox,
      config: {
        metadata: {name: container.name, attempt: 0},
        image: {image: IMAGE},
        command: command.map(fill),
        envs: [{key: 'HOSTNAME', value: plan.hostNetwork ? plan.node : plan.name}],
        labels: {...labelsOf(plan, pod.uid), 'io.kubernetes.container.name': container.name},
        annotations: {
          'io.kubernetes.container.restartCount': '0',
          'io.kubernetes.pod.terminationGracePeriod': '30',
        },
        log_path: `${container.name}/0.log`,
        linux: {security_context: {namespace_options: namespacesOf(plan)}},
      },
      sandbox_config: config,
    });
    await cri.call('StartContainer', {container_id});
    containers.push({name: container.name, id: container_id});
  }
  return {...pod, containers};
};

/** A whole pod, where nothing has to happen between its sandbox and its containers. */
export const startPod = async (cri: Cri, plan: PodPlan, uid: string, fill: (word: string) => string) =>
  startContainers(cri, await startSandbox(cri, plan, uid), fill);
