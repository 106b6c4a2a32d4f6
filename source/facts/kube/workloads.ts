import {type Fields, inner, inners, number, text, words} from '../elements.ts';
import type {Parsed, Span} from '../evidence.ts';
import {optional} from '../links.ts';
import {type KubeObject, kubeObjects} from './objects.ts';

/** A port that a container declares (`containerPort`); declaring one is documentation, nothing enforces it. */
export type ContainerPort = {
  readonly port: number;
  readonly protocol: string;
  readonly name?: string;
  readonly hostPort?: number;
};

/** A check that the kubelet makes of a container. */
export type Probe = {
  readonly kind: 'liveness' | 'readiness' | 'startup';
  readonly how: 'http' | 'https' | 'tcp' | 'grpc' | 'exec';
  /** Absent for `exec`, and for a named port that the container does not declare. */
  readonly port?: number;
  /** Where it asks: the pod's own address when absent. */
  readonly host?: string;
  readonly path?: string;
};

export type ContainerSpec = {
  readonly name: string;
  readonly image?: string;
  /** `command` and `args`, secrets masked. */
  readonly command: readonly string[];
  readonly init: boolean;
  readonly ports: readonly ContainerPort[];
  readonly probes: readonly Probe[];
};

/** What makes pods of one kind: a DaemonSet (network plugins are), Deployment, StatefulSet. */
export type Workload = Span & {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostNetwork: boolean;
  readonly containers: readonly ContainerSpec[];
  /** Directories of the node that it mounts, with the volume's name. */
  readonly hostPaths: readonly {readonly volume: string; readonly path: string}[];
};

const KINDS = new Set(['DaemonSet', 'Deployment', 'StatefulSet']);

/**
 * Sample (`kubectl get daemonset cilium -n kube-system -o yaml`): `spec.template.spec` with `hostNetwork`, `containers`
 * (`ports`, `livenessProbe: {httpGet: {host: 127.0.0.1, path: /healthz, port: 9879}}`), `initContainers`, `volumes`
 * (`hostPath: {path: /var/run/cilium}`).
 */
export function parseWorkloads(out: Uint8Array): Parsed<Workload> {
  const {objects, problems} = kubeObjects(out);
  return {rows: objects.flatMap(workloadOf), problems};
}

/** None of an object of another kind. */
export function workloadOf({from, to, kind, fields}: KubeObject): Workload[] {
  if (!KINDS.has(kind)) return [];
  const metadata = inner(fields, 'metadata') ?? {};
  const template = inner(inner(fields, 'spec'), 'template') ?? {};
  const spec = inner(template, 'spec') ?? {};
  const name = text(metadata, 'name');
  if (name === undefined) return [];
  const labels = Object.entries(inner(inner(template, 'metadata'), 'labels') ?? {});
  return [
    {
      from,
      to,
      kind,
      namespace: text(metadata, 'namespace') ?? 'default',
      name,
      labels: Object.fromEntries(labels.filter((one): one is [string, string] => typeof one[1] === 'string')),
      hostNetwork: spec['hostNetwork'] === true,
      containers: containersOf(spec),
      hostPaths: inners(spec, 'volumes').flatMap(volume => {
        const path = text(inner(volume, 'hostPath') ?? {}, 'path');
        return path === undefined ? [] : [{volume: text(volume, 'name') ?? '', path}];
      }),
    },
  ];
}

/** Containers of a pod's `spec`, init containers last. */
export function containersOf(spec: Fields): readonly ContainerSpec[] {
  return [
    ...inners(spec, 'containers').map(one => containerOf(one, false)),
    ...inners(spec, 'initContainers').map(one => containerOf(one, true)),
  ];
}

function containerOf(fields: Fields, init: boolean): ContainerSpec {
  const ports = inners(fields, 'ports').flatMap((one): ContainerPort[] => {
    const port = number(one, 'containerPort');
    if (port === undefined) return [];
    return [
      {
        port,
        protocol: (text(one, 'protocol') ?? 'TCP').toLowerCase(),
        ...optional('name', text(one, 'name')),
        ...optional('hostPort', number(one, 'hostPort')),
      },
    ];
  });
  const probes = (['liveness', 'readiness', 'startup'] as const).flatMap(kind => {
    const probe = inner(fields, `${kind}Probe`);
    return probe ? [probeOf(kind, probe, ports)] : [];
  });
  return {
    name: text(fields, 'name') ?? '',
    command: [...words(fields, 'command'), ...words(fields, 'args')],
    init,
    ports,
    probes,
    ...optional('image', text(fields, 'image')),
  };
}

function probeOf(kind: Probe['kind'], probe: Fields, ports: readonly ContainerPort[]): Probe {
  const http = inner(probe, 'httpGet');
  const asks = http ?? inner(probe, 'tcpSocket') ?? inner(probe, 'grpc');
  if (!asks) return {kind, how: 'exec'};
  const named = text(asks, 'port');
  const port = number(asks, 'port') ?? ports.find(({name}) => name !== undefined && name === named)?.port;
  const how = http
    ? text(http, 'scheme') === 'HTTPS'
      ? 'https'
      : 'http'
    : inner(probe, 'grpc')
      ? 'grpc'
      : 'tcp';
  return {
    kind,
    how,
    ...optional('port', port),
    ...optional('host', text(asks, 'host')),
    ...optional('path', text(asks, 'path')),
  };
}
