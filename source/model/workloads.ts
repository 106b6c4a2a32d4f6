import type {Grade, Graph, Pod} from './graph.ts';

/** What made a pod, as far as it can be told. */
export type WorkloadOf = {
  /** `NS/NAME`. */
  readonly key: string;
  readonly kind: string;
  /** `proven`: the API says so. `inferred`: from the shape of the pod's name. */
  readonly grade: Grade;
  readonly why: string;
};

/** The letters of random names (k8s.io/apimachinery, util/rand): no vowels, nothing that looks like another. */
const SAFE = 'bcdfghjklmnpqrstvwxz2456789';

/** In this order: the first that fits. A name can have a shape by chance: so it stays inferred. */
const SHAPES: readonly (readonly [kind: string, shape: RegExp, words: string])[] = [
  ['CronJob', new RegExp(`^(.+)-\\d{8}-[${SAFE}]{5}$`), 'NAME-MINUTES-RANDOM'],
  ['Deployment', new RegExp(`^(.+)-[${SAFE}]{6,10}-[${SAFE}]{5}$`), 'NAME-HASH-RANDOM'],
  ['StatefulSet', /^(.+)-\d{1,5}$/, 'NAME-NUMBER'],
  ['DaemonSet or Job', new RegExp(`^(.+)-[${SAFE}]{5}$`), 'NAME-RANDOM'],
];

/** Undefined for a pod that nothing made, as far as its name tells, and for one whose name is not known. */
export function workloadOf(graph: Graph, pod: Pod): WorkloadOf | undefined {
  const owner = ownersOf(graph)?.get(`${pod.namespace}/${pod.name}`);
  if (owner !== undefined) return ownedBy(pod, owner);
  if (pod.namespace === '?') return undefined;
  for (const [kind, shape, words] of SHAPES) {
    const [, name] = shape.exec(pod.name) ?? [];
    if (name === undefined) continue;
    return {
      key: `${pod.namespace}/${name}`,
      kind,
      grade: 'inferred',
      why: `its pods’ names have the shape of a ${kind}’s (${words}); the Kubernetes API was not asked`,
    };
  }
  return undefined;
}

const made = new WeakMap<object, ReadonlyMap<string, string>>();

/** What owns each pod, by its `NS/NAME`, as the API says: asked of every pod of a graph, so looked through once. */
function ownersOf({cluster}: Graph): ReadonlyMap<string, string> | undefined {
  const pods = cluster?.pods?.value;
  if (!pods) return undefined;
  let owners = made.get(pods);
  if (!owners) {
    // Of two objects of one name the first counts: later ones of the list come first here and are overwritten.
    owners = new Map(
      pods
        .toReversed()
        .flatMap(({namespace, name, owner}) =>
          owner === undefined ? [] : [[`${namespace}/${name}`, owner]],
        ),
    );
    made.set(pods, owners);
  }
  return owners;
}

/** A ReplicaSet is a Deployment's, with a hash behind its name. */
function ownedBy(pod: Pod, owner: string): WorkloadOf {
  const [kind = '', name = ''] = owner.split('/');
  const [, deployment] = new RegExp(`^(.+)-[${SAFE}]{6,10}$`).exec(name) ?? [];
  const replicas = kind === 'ReplicaSet' && deployment !== undefined;
  return {
    key: `${pod.namespace}/${replicas ? deployment : name}`,
    kind: replicas ? 'Deployment' : kind,
    grade: 'proven',
    why: `the Kubernetes API says that ${owner} owns them`,
  };
}
