import type {Grade, Graph, Pod} from '../model/graph.ts';
import {workloadOf} from '../model/workloads.ts';
import type {Missing} from './answer.ts';
import {type ServiceRow, serviceRows, serviceWords} from './service-rows.ts';

/** Several pods under one name, or a service. */
export type Group =
  | {
      readonly kind: 'workload' | 'namespace';
      readonly words: string;
      readonly pods: readonly Pod[];
      readonly grade: Grade;
      readonly why: string;
    }
  | {
      readonly kind: 'service';
      readonly words: string;
      readonly rows: readonly ServiceRow[];
      readonly grade: Grade;
      readonly why: string;
    };

const PREFIX = /^(service|svc|workload|namespace|ns)\/(.+)$/;
const KINDS = {
  service: 'service',
  svc: 'service',
  workload: 'workload',
  namespace: 'namespace',
  ns: 'namespace',
} as const;

/**
 * What a word means that is no pod, process or node: `service/NS/NAME[:PORT]`, `workload/NS/NAME`, `namespace/NS`, or
 * the same without the first part where only one of them is called so. Undefined when none is.
 */
export function groupCalled(graph: Graph, word: string): Group | Missing | undefined {
  const [, prefix, rest] = PREFIX.exec(word) ?? [];
  const kind = prefix === undefined ? undefined : KINDS[prefix as keyof typeof KINDS];
  const name = rest ?? word;
  const found = [
    serviceCalled(graph, name),
    workloadCalled(graph, name),
    namespaceCalled(graph, name),
  ].filter(group => group !== undefined && (kind === undefined || group.kind === kind));
  if (found.length <= 1) return found[0];
  return {
    missing: `${word} is the name of a ${found.map(group => group!.kind).join(' and of a ')}: say which.`,
    suggestions: found.map(group => group!.words),
  };
}

/** Every group by the words that mean it. */
export function groupNames(graph: Graph): string[] {
  const services = serviceRows(graph).map(row => `service/${serviceWords(row)}`);
  const workloads = graph.pods
    .flatMap(pod => workloadOf(graph, pod)?.key ?? [])
    .map(key => `workload/${key}`);
  const namespaces = graph.pods.map(pod => `namespace/${pod.namespace}`);
  return [...new Set([...services, ...workloads, ...namespaces])].filter(name => !name.includes('?'));
}

function serviceCalled(graph: Graph, name: string): Group | undefined {
  const all = serviceRows(graph);
  const rows = all.filter(
    row =>
      serviceWords(row) === name ||
      row.name?.split(':')[0] === name ||
      row.address === name ||
      `${row.address}:${row.port}` === name,
  );
  if (rows.length === 0) return undefined;
  return {
    kind: 'service',
    words: `service/${name}`,
    rows,
    grade: 'proven',
    why: `the rules of ${[...new Set(rows.flatMap(row => row.nodes))].join(', ')} have it`,
  };
}

function workloadCalled(graph: Graph, name: string): Group | undefined {
  const pods = graph.pods.filter(pod => workloadOf(graph, pod)?.key === name);
  if (pods.length === 0) return undefined;
  const made = pods.map(pod => workloadOf(graph, pod)!);
  // As sure as the least sure of its pods.
  const {kind, grade, why} = made.find(one => one.grade === 'inferred') ?? made[0]!;
  return {kind: 'workload', words: `workload/${name}`, pods, grade, why: `${kind}: ${why}`};
}

function namespaceCalled(graph: Graph, name: string): Group | undefined {
  const pods = graph.pods.filter(pod => pod.namespace === name);
  if (pods.length === 0) return undefined;
  return {
    kind: 'namespace',
    words: `namespace/${name}`,
    pods,
    grade: 'proven',
    why: 'its pods on the nodes read',
  };
}
