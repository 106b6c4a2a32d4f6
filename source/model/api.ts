import type {Gap} from '../facts/evidence.ts';
import type {Snapshot} from '../facts/snapshot.ts';
import {CLUSTER, type NodeEvent} from '../wire/source.ts';
import {timeOfDay} from './words.ts';

/** How the Kubernetes API is reached, where it was asked at all. */
export type ApiReach = Pick<NodeEvent, 'state' | 'step' | 'cause' | 'since' | 'warning'>;

/** What the API did not tell for want of a way to it: of everything, so it concerns every answer. */
export function apiGaps(reach: ApiReach | undefined, cluster: Snapshot | undefined): Gap[] {
  if (!reach) return [];
  const gap = (reason: string): Gap => ({node: CLUSTER, fact: 'kube-api', reason});
  const {state, cause, step, since, warning} = reach;
  if (state === 'ready' || state === 'back') return warning === undefined ? [] : [gap(warning)];
  const why = state === 'lost' ? (cause ?? 'The Kubernetes API is lost.') : undefined;
  if (!cluster?.cluster)
    return [gap(why ?? `The Kubernetes API has not answered yet (${step ?? 'connecting'}…).`)];
  const lost = since === undefined ? '' : ` since ${timeOfDay(since)}`;
  return [
    gap(
      `The Kubernetes API is lost${lost}: what it says is from ${timeOfDay(cluster.at)}. ${why ?? ''}`.trimEnd(),
    ),
  ];
}
