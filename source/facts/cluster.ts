import type {Keep, Reader, Reply} from '../wire/source.ts';
import {dated, gapsOf} from './contribution.ts';
import type {Gap, Parsed, Span} from './evidence.ts';
import type {Fact, Format} from './fact.ts';
import {type ClusterNode, nodeOf, parseNodeObjects, parseNodeTable} from './kube/nodes.ts';
import {type KubeObject, kubeObjects} from './kube/objects.ts';
import {type ClusterPod, parsePodObjects, parsePodTable, podOf} from './kube/pods.ts';
import {redactObjects} from './kube/redact.ts';
import {remembering} from './kube/remember.ts';
import {parseWorkloads, type Workload, workloadOf} from './kube/workloads.ts';
import {PASTED, parsePieces} from './pieces.ts';
import type {Dated, Snapshot} from './snapshot.ts';
import {sanitise} from './text.ts';

/**
 * What the Kubernetes API says of the whole cluster. It belongs to no node: its replies carry `CLUSTER` for a node, and
 * its facts are in a list of their own, which no node is asked for.
 */
export type Cluster = {
  readonly nodes?: Dated<readonly ClusterNode[]>;
  readonly pods?: Dated<readonly ClusterPod[]>;
  readonly workloads?: Dated<readonly Workload[]>;
  /** Of what hoptop asked for itself and was told all: what is not there, the API does not know. */
  readonly whole?: ReadonlySet<'nodes' | 'pods' | 'workloads'>;
};

const KUBECTL = {name: 'kubectl'};

const CONTAINERS: Keep = {
  name: true,
  image: true,
  command: true,
  args: true,
  ports: true,
  ...Object.fromEntries(
    ['livenessProbe', 'readinessProbe', 'startupProbe'].map(probe => [
      probe,
      {
        httpGet: {host: true, path: true, port: true, scheme: true},
        tcpSocket: {host: true, port: true},
        grpc: {port: true},
      },
    ]),
  ),
};

/** What is kept of the API's objects: no environment, no annotation but the one that is read, no managed fields. */
const KEPT: Readonly<Record<'nodes' | 'pods' | 'workloads', Keep>> = {
  nodes: {
    metadata: {name: true, uid: true, labels: true, creationTimestamp: true},
    spec: {unschedulable: true, podCIDR: true, podCIDRs: true},
    status: {
      addresses: true,
      conditions: {type: true, status: true},
      nodeInfo: {
        machineID: true,
        bootID: true,
        kernelVersion: true,
        osImage: true,
        containerRuntimeVersion: true,
        kubeletVersion: true,
        architecture: true,
      },
    },
  },
  pods: {
    metadata: {
      name: true,
      namespace: true,
      uid: true,
      deletionTimestamp: true,
      annotations: {'kubernetes.io/config.hash': true},
      ownerReferences: {kind: true, name: true, controller: true},
    },
    spec: {nodeName: true, hostNetwork: true, containers: CONTAINERS, initContainers: CONTAINERS},
    status: {phase: true, podIP: true, podIPs: true},
  },
  workloads: {
    metadata: {name: true, namespace: true, uid: true},
    spec: {
      template: {
        metadata: {labels: true},
        spec: {
          hostNetwork: true,
          containers: CONTAINERS,
          initContainers: CONTAINERS,
          volumes: {name: true, hostPath: {path: true}},
        },
      },
    },
  },
};

/** Kinds of objects among the text, as far as it can be understood. */
function holds(kinds: readonly string[]): Format['looks'] {
  return ({out, lines}) => {
    if (!/^\s*\{|^apiVersion:|^kind:|^items:|^---/.test(lines[0] ?? '')) return false;
    return kubeObjects(out).objects.some(({kind}) => kinds.includes(kind));
  };
}

type Kind<Row> = {
  readonly name: string;
  readonly key: 'nodes' | 'pods' | 'workloads';
  readonly resource: string;
  readonly kinds: readonly string[];
  readonly api: NonNullable<Reader['api']>;
  readonly why: string;
  readonly objects: (out: Uint8Array) => Parsed<Row>;
  readonly rowsOf: (object: KubeObject) => readonly Row[];
  readonly table?: {readonly heading: RegExp; readonly parse: (out: Uint8Array) => Parsed<Row>};
};

/** What the API itself answered has no exit status: why it told less than was asked stands in its error, see below. */
function said(reply: Reply): Reply {
  return reply.reader === PASTED ? reply : {...reply, exit: 0, err: ''};
}

/** One gap for each resource that the API refused: a line with the reason, a tab, and what would reveal it. */
function refusals({reader, node, fact, err}: Reply): Gap[] {
  if (reader === PASTED || err === '') return [];
  return err.split('\n').map(line => {
    const [reason = '', reveal] = line.split('\t').map(sanitise);
    return {node, fact, reason, ...(reveal === undefined ? {} : {reveal})};
  });
}

function factOf<Row extends Span>(kind: Kind<Row>): Fact {
  const {name, resource, why, kinds, table, api} = kind;
  const [asObjects, asTable] = [`${name}@1`, `${name}-table@1`];
  const again = remembering(kind.rowsOf, kind.objects);
  return {
    name,
    reader: {
      name: asObjects,
      fact: name,
      scope: 'node',
      command: `kubectl get ${resource} -o json`,
      api,
      why,
      limit: 256_000_000,
      timeout: 60,
    },
    cadence: {when: 'sweep'},
    formats: [
      ...(table
        ? [
            {
              name: asTable,
              label: `kubectl get ${resource} -o wide`,
              looks: ({lines}: Parameters<Format['looks']>[0]) => table.heading.test(lines[0] ?? ''),
              // Names, addresses and versions: a table shows no environment and no annotation.
              redact: (out: Uint8Array) => out,
            },
          ]
        : []),
      {
        name: asObjects,
        label: `kubectl get ${resource} -o json|yaml`,
        looks: holds(kinds),
        redact: redactObjects,
      },
    ],
    contribute(reply: Reply, soFar: Snapshot) {
      const {rows, problems} = parsePieces(
        reply,
        reply.reader === PASTED ? kind.objects : again,
        table ? {[asTable]: table.parse} : {},
      );
      const gaps = [...gapsOf(said(reply), KUBECTL, problems), ...refusals(reply)];
      if (rows.length === 0 && gaps.length > 0) return {gaps};
      const whole = new Set(soFar.cluster?.whole);
      if (reply.reader !== PASTED && !reply.truncated && gaps.length === 0) whole.add(kind.key);
      else whole.delete(kind.key);
      return {node: {cluster: {...soFar.cluster, [kind.key]: dated(reply, rows), whole}}, gaps};
    },
    redact: redactObjects,
  };
}

export const CLUSTER_FACTS: readonly Fact[] = [
  factOf({
    name: 'kube-nodes',
    key: 'nodes',
    resource: 'nodes',
    kinds: ['Node'],
    api: {paths: ['/api/v1/nodes'], keep: KEPT.nodes},
    why: 'Which nodes there are, their roles, addresses and versions.',
    objects: parseNodeObjects,
    rowsOf: nodeOf,
    table: {heading: /^NAME\s+STATUS\s+ROLES\s/, parse: parseNodeTable},
  }),
  factOf({
    name: 'kube-pods',
    key: 'pods',
    resource: 'pods -A',
    kinds: ['Pod'],
    api: {paths: ['/api/v1/pods'], keep: KEPT.pods},
    why: 'Which pods there are, on which node, with which addresses, also where no node can be read.',
    objects: parsePodObjects,
    rowsOf: podOf,
    table: {heading: /^(?:NAMESPACE\s+)?NAME\s+READY\s+STATUS\s+RESTARTS\s/, parse: parsePodTable},
  }),
  factOf({
    name: 'kube-workloads',
    key: 'workloads',
    resource: 'daemonsets,deployments,statefulsets -A',
    kinds: ['DaemonSet', 'Deployment', 'StatefulSet'],
    api: {
      paths: ['/apis/apps/v1/daemonsets', '/apis/apps/v1/deployments', '/apis/apps/v1/statefulsets'],
      keep: KEPT.workloads,
    },
    why: 'The ports, probes and host directories that a network plugin and others declare.',
    objects: parseWorkloads,
    rowsOf: workloadOf,
  }),
];
