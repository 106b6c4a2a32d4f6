/** Where a packet can be in a lab: the network namespaces of its nodes, pods, routers and fabric. */
import type {LabStatus} from '../../demo/lab/status.ts';

/**
 * A network namespace of a lab.
 * `node` is a node's or a router's name, or `fabric`, which is none (nobody can log in there).
 * `pod` is `namespace/name` of a pod on that node that has a network namespace of its own.
 */
export type Place = {readonly node: string; readonly pod?: string};

/** `worker-1`, `worker-1 shop/db-0`. */
export const placeName = ({node, pod}: Place) => (pod ? `${node} ${pod}` : node);

export type Located = {
  readonly place: Place;
  /** Words that run a command in that network namespace, and nothing else of the node. */
  readonly enter: readonly string[];
};

/** Every network namespace of a lab. */
export const placesOf = (status: LabStatus): Located[] => {
  const at = (pid: number) => ['nsenter', '-t', String(pid), '-n', '--'];
  return [
    {place: {node: 'fabric'}, enter: ['nsenter', `--net=/run/netns/${status.fabric}`, '--']},
    ...[...status.nodes, ...status.routers].map(({name, pid}) => ({place: {node: name}, enter: at(pid)})),
    ...status.pods
      .filter(pod => !pod.hostNetwork)
      .map(pod => ({
        place: {node: pod.node, pod: `${pod.namespace}/${pod.name}`},
        enter: at(pod.containers.flatMap(each => each.pids)[0]!),
      })),
  ];
};
