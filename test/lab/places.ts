/** Where a packet can be in a lab: the network namespaces of its nodes, pods, routers and fabric. */
import {spawnSync} from 'node:child_process';
import type {LabStatus} from '../../demo/lab/status.ts';

/**
 * A network namespace of a lab.
 * `node` is a node's name; or `fabric` or a router's name, which are no nodes (hoptop cannot log in there).
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
  const prefix = `${status.name}-`;
  const named = spawnSync('ip', ['netns', 'list'], {encoding: 'utf8'})
    .stdout.split('\n')
    .map(line => line.split(' ')[0]!)
    .filter(name => name === status.fabric || name.startsWith(`${prefix}router`));
  const at = (pid: number) => ['nsenter', '-t', String(pid), '-n', '--'];
  return [
    ...named.map(name => ({
      place: {node: name.slice(prefix.length)},
      enter: ['nsenter', `--net=/run/netns/${name}`, '--'],
    })),
    ...status.nodes.map(node => ({place: {node: node.name}, enter: at(node.pid)})),
    ...status.pods
      .filter(pod => !pod.hostNetwork)
      .map(pod => ({
        place: {node: pod.node, pod: `${pod.namespace}/${pod.name}`},
        enter: at(pod.containers.flatMap(each => each.pids)[0]!),
      })),
  ];
};
