/**
 * All that is known at one moment: every node's sweeper and reach, fed with the events of a live source or of a
 * recording. It does no I/O and reads no clock; whoever drives it tells it what happened.
 */
import type {Evidence} from './facts/evidence.ts';
import type {Fact} from './facts/fact.ts';
import type {Snapshot} from './facts/snapshot.ts';
import type {NodeStatus} from './session.ts';
import {createSweeper, type Sweeper} from './sweep.ts';
import {CLUSTER, type NodeEvent, type Read, type Reply, type SourceEvent} from './wire/source.ts';

export type NodeWorld = {
  readonly id: string;
  readonly reach: NodeEvent;
  readonly snapshot?: Snapshot;
  readonly previous?: Snapshot;
};

export type World = {
  readonly nodes: readonly NodeWorld[];
  /** What the cluster's API says; absent as long as nothing of it was read. */
  readonly cluster: Snapshot | undefined;
  /** How its API is reached; absent where it is not asked. */
  readonly api: NodeEvent | undefined;
  statuses(): readonly NodeStatus[];
  apiStatus(): NodeStatus | undefined;
  due(node: string): readonly Read[];
  followUps(node: string): readonly Read[];
  /** The same read by the reader that its node can be read by. */
  suited(read: Read): Read;
  apply(event: SourceEvent): void;
  evidence(evidence: Evidence): Reply | undefined;
  /** Makes everything due again, as at first: a recording that begins now needs all of it. */
  forgetCadence(): void;
  /** Rises with every event that may change an answer. */
  readonly generation: number;
};

/** `at` is when the world begins: the moment since which nodes are being dialled. */
export function createWorld(
  nodes: readonly string[],
  facts: readonly Fact[],
  at: string,
  clusterFacts: readonly Fact[] = [],
): World {
  const ids: string[] = [];
  const sweepers = new Map<string, Sweeper>();
  const cluster = createSweeper(CLUSTER, clusterFacts);
  sweepers.set(CLUSTER, cluster);
  const reach = new Map<string, NodeEvent>();
  const add = (state: NodeEvent) => {
    ids.push(state.node);
    sweepers.set(state.node, createSweeper(state.node, facts));
    reach.set(state.node, state);
  };
  for (const node of nodes) add({node, at, state: 'dialling'});
  let api: NodeEvent | undefined;
  let generation = 0;

  const view = (id: string): NodeWorld => {
    const sweeper = sweepers.get(id)!;
    const snapshot = sweeper.snapshot();
    const previous = sweeper.previous();
    return {id, reach: reach.get(id)!, ...(snapshot ? {snapshot} : {}), ...(previous ? {previous} : {})};
  };

  return {
    get nodes() {
      return ids.map(view);
    },
    get cluster() {
      return cluster.snapshot();
    },
    get api() {
      return api;
    },
    get generation() {
      return generation;
    },
    statuses: () => ids.map(id => statusOf(view(id))),
    apiStatus() {
      const snapshot = cluster.snapshot();
      const status = api && statusOf({id: CLUSTER, reach: api, ...(snapshot ? {snapshot} : {})});
      return status && {...status, name: 'Kubernetes API'};
    },
    due: node => sweepers.get(node)?.due() ?? [],
    followUps: node => sweepers.get(node)?.followUps() ?? [],
    suited: read => sweepers.get(read.node)?.suited(read) ?? read,
    forgetCadence() {
      for (const sweeper of sweepers.values()) sweeper.forgetCadence();
    },
    evidence: evidence => sweepers.get(evidence.node)?.evidence(evidence),
    apply(event) {
      // One that joined the cluster meanwhile.
      if (event.type === 'node' && !sweepers.has(event.node)) add(event);
      const sweeper = sweepers.get(event.node);
      if (!sweeper) return;
      if (event.type === 'reply') return sweeper.reply(event);
      if (event.type === 'swept') sweeper.swept(event);
      else {
        if (event.node === CLUSTER) api = event;
        else reach.set(event.node, event);
        if (event.state === 'lost') sweeper.lost();
        // It may have been booted anew meanwhile: nothing read before is taken for granted.
        if (event.state === 'back') sweeper.forgetCadence();
      }
      generation++;
    },
  };
}

function statusOf({id, reach, snapshot}: NodeWorld): NodeStatus {
  return {
    id,
    name: snapshot?.identity?.value.hostname ?? id,
    state: reach.state,
    since: reach.since ?? reach.at,
    sweep: snapshot?.sweep ?? 0,
    ...(reach.step ? {step: reach.step} : {}),
    ...(reach.cause ? {cause: reach.cause} : {}),
    ...(reach.warning ? {warning: reach.warning} : {}),
    ...(snapshot ? {at: snapshot.at} : {}),
    ...(snapshot?.cost ? {wall: snapshot.cost.wall, cpu: snapshot.cost.cpu} : {}),
  };
}
