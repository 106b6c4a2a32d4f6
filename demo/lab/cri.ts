/** A CRI client of just the calls the lab makes; see cri.proto. */
import {join} from 'node:path';
import grpc from '@grpc/grpc-js';
import {loadSync} from '@grpc/proto-loader';
import {IMAGE} from './image.ts';
import type {RunningPod} from './state.ts';
import type {PodPlan} from './topology.ts';

type Call = (
  request: object,
  options: {deadline: number},
  done: (error: Error | null, reply: unknown) => void,
) => void;

export type Cri = {
  call: <Reply>(method: string, request: object) => Promise<Reply>;
  close: () => void;
};

/** How long a call may take, in milliseconds; making a sandbox on a busy machine takes seconds. */
const PATIENCE = 40_000;

/** @param socket path of containerd's socket, as this process reaches it */
export const connectCri = (socket: string): Cri => {
  const loaded = grpc.loadPackageDefinition(
    loadSync(join(import.meta.dirname, 'cri.proto'), {
      keepCase: true,
      longs: String,
      enums: String,
      defaults: true,
    }),
  );
  const {v1} = loaded['runtime'] as unknown as {v1: {RuntimeService: grpc.ServiceClientConstructor}};
  const client = new v1.RuntimeService(`unix://${socket}`, grpc.credentials.createInsecure());
  const methods = client as unknown as Record<string, Call>;
  return {
    call: <Reply>(method: string, request: object) =>
      new Promise<Reply>((resolve, reject) =>
        methods[method]!.call(client, request, {deadline: Date.now() + PATIENCE}, (error, reply) =>
          error
            ? reject(new Error(`containerd did not do ${method}: ${error.message}`, {cause: error}))
            : resolve(reply as Reply),
        ),
      ),
    close: () => client.close(),
  };
};

/** Starts a pod as a kubelet with the cgroupfs driver would: same labels, annotations, log directory and cgroup parent. */
export const startPod = async (
  cri: Cri,
  plan: PodPlan,
  uid: string,
  fill: (word: string) => string,
): Promise<RunningPod> => {
  const {namespace, name} = plan;
  const labels = {
    'io.kubernetes.pod.name': name,
    'io.kubernetes.pod.namespace': namespace,
    'io.kubernetes.pod.uid': uid,
  };
  const namespace_options = plan.hostNetwork
    ? {network: 'NODE', pid: 'CONTAINER'}
    : {network: 'POD', pid: 'CONTAINER'};
  const sandboxConfig = {
    metadata: {name, namespace, uid, attempt: 0},
    // Like the kubelet: a host-network pod has no UTS namespace of its own, so it may not set a name.
    hostname: plan.hostNetwork ? '' : name,
    log_directory: `/var/log/pods/${namespace}_${name}_${uid}`,
    labels: {...labels, app: plan.app},
    annotations: {
      'kubernetes.io/config.seen': new Date().toISOString(),
      'kubernetes.io/config.source': 'api',
    },
    linux: {
      cgroup_parent: `/kubepods/besteffort/pod${uid}`,
      security_context: {namespace_options},
      sysctls: plan.sysctls ?? {},
    },
  };
  const {pod_sandbox_id} = await cri.call<{pod_sandbox_id: string}>('RunPodSandbox', {config: sandboxConfig});
  const containers = [];
  for (const container of plan.containers) {
    const command =
      'command' in container.run
        ? container.run.command
        : ['/bin/traffic', container.name, ...container.run.roles];
    const {container_id} = await cri.call<{container_id: string}>('CreateContainer', {
      pod_sandbox_id,
      config: {
        metadata: {name: container.name, attempt: 0},
        image: {image: IMAGE},
        command: command.map(fill),
        envs: [{key: 'HOSTNAME', value: plan.hostNetwork ? plan.node : name}],
        labels: {...labels, 'io.kubernetes.container.name': container.name},
        annotations: {
          'io.kubernetes.container.restartCount': '0',
          'io.kubernetes.pod.terminationGracePeriod': '30',
        },
        log_path: `${container.name}/0.log`,
        linux: {security_context: {namespace_options}},
      },
      sandbox_config: sandboxConfig,
    });
    await cri.call('StartContainer', {container_id});
    containers.push({name: container.name, id: container_id});
  }
  const {status} = await cri.call<{status: {network: {ip: string} | null}}>('PodSandboxStatus', {
    pod_sandbox_id,
  });
  return {
    namespace,
    name,
    uid,
    node: plan.node,
    hostNetwork: plan.hostNetwork ?? false,
    ip: status.network?.ip ?? '',
    sandbox: pod_sandbox_id,
    containers,
  };
};
