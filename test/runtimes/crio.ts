/**
 * What CRI-O writes of a pod sandbox and a container, laid out as its source does, since no Debian package has it.
 *
 * cri-o v1.36.0: `server/sandbox_run_linux.go` (`setupSandboxAnnotations`, `configureAndSaveInfraContainer`: the same
 * file into the container's directory and its run directory), `internal/factory/container/container.go` (a
 * container's annotations), `internal/annotations/annotations.go` (the keys), `internal/config/nsmgr` (pinned
 * namespaces in /var/run/netns/UUID), `internal/oci/runtime_oci.go` (`pidfile` in the bundle); the kubelet's labels
 * stand beside them, as each is added as an annotation of its own. opencontainers/runtime-tools `generate.Save`: the
 * file is indented by tabs. containers/storage: the run directory is `RUNROOT/overlay-containers/ID/userdata`.
 */
export type CrioPod = {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Where its network namespace is pinned; absent for one on the node's network. */
  readonly netns?: string;
  /** The control group of one of its containers. */
  readonly cgroup: (container: string) => string;
};

/** What runs in a container, and what it sees of the machine: as little as a process needs. */
const shared = (path: string, args: readonly string[]) => ({
  process: {
    user: {uid: 0, gid: 0},
    args,
    env: ['PATH=/bin', 'SECRET="io.kubernetes.pod.name": "liar"'],
    cwd: '/',
  },
  root: {path, readonly: true},
  mounts: [{destination: '/proc', type: 'proc', source: 'proc'}],
});

const namespaces = ({netns}: CrioPod) => [
  {type: 'pid'},
  ...(netns === undefined ? [] : [{type: 'network', path: netns}]),
  {type: 'ipc', path: '/var/run/ipcns/8f7f2e5c-0000-4000-8000-000000000000'},
  {type: 'mount'},
];

const labels = (pod: CrioPod, container: string) => ({
  'io.kubernetes.container.name': container,
  'io.kubernetes.pod.name': pod.name,
  'io.kubernetes.pod.namespace': pod.namespace,
  'io.kubernetes.pod.uid': pod.uid,
});

/** Go sorts a map's keys, and escapes what could end a script in HTML. */
const text = (config: {readonly annotations: Readonly<Record<string, string>>}) => {
  const annotations = Object.fromEntries(
    Object.entries(config.annotations).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return JSON.stringify({...config, annotations}, null, '\t').replace(
    /[<>&]/g,
    char => `\\u00${char.charCodeAt(0).toString(16)}`,
  );
};

/** `config.json` of the sandbox. */
export const crioSandbox = (pod: CrioPod, path: string, args: readonly string[]) => {
  const own = labels(pod, 'POD');
  return text({
    ...{ociVersion: '1.0.2', ...shared(path, args)},
    annotations: {
      ...own,
      'io.container.manager': 'cri-o',
      'io.kubernetes.cri-o.ContainerID': pod.id,
      'io.kubernetes.cri-o.ContainerName': `k8s_POD_${pod.name}_${pod.namespace}_${pod.uid}_0`,
      'io.kubernetes.cri-o.ContainerType': 'sandbox',
      'io.kubernetes.cri-o.HostNetwork': String(pod.netns === undefined),
      'io.kubernetes.cri-o.ImageName': 'registry.k8s.io/pause:3.10',
      'io.kubernetes.cri-o.KubeName': pod.name,
      'io.kubernetes.cri-o.Labels': JSON.stringify(own),
      'io.kubernetes.cri-o.Metadata': JSON.stringify({
        name: pod.name,
        uid: pod.uid,
        namespace: pod.namespace,
      }),
      'io.kubernetes.cri-o.Name': `k8s_${pod.name}_${pod.namespace}_${pod.uid}_0`,
      'io.kubernetes.cri-o.Namespace': pod.namespace,
      'io.kubernetes.cri-o.SandboxID': pod.id,
      'io.kubernetes.cri-o.SandboxName': `k8s_${pod.name}_${pod.namespace}_${pod.uid}_0`,
    },
    ...{linux: {cgroupsPath: pod.cgroup(pod.id), namespaces: namespaces(pod)}},
  });
};

/** `config.json` of a container of it. */
export const crioContainer = (
  pod: CrioPod,
  {id, name}: {readonly id: string; readonly name: string},
  path: string,
  args: readonly string[],
) => {
  const own = labels(pod, name);
  return text({
    ...{ociVersion: '1.0.2', ...shared(path, args)},
    annotations: {
      ...own,
      'io.container.manager': 'cri-o',
      'io.kubernetes.cri-o.ContainerID': id,
      'io.kubernetes.cri-o.ContainerType': 'container',
      'io.kubernetes.cri-o.Image': 'docker.io/library/nginx:1.27',
      'io.kubernetes.cri-o.ImageName': 'docker.io/library/nginx:1.27',
      'io.kubernetes.cri-o.Labels': JSON.stringify(own),
      'io.kubernetes.cri-o.Metadata': JSON.stringify({name}),
      'io.kubernetes.cri-o.Name': `k8s_${name}_${pod.name}_${pod.namespace}_${pod.uid}_0`,
      'io.kubernetes.cri-o.SandboxID': pod.id,
      'io.kubernetes.cri-o.SandboxName': `k8s_${pod.name}_${pod.namespace}_${pod.uid}_0`,
    },
    ...{linux: {cgroupsPath: pod.cgroup(id), namespaces: namespaces(pod)}},
  });
};
