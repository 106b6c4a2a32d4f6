import type {Gap} from '../evidence.ts';
import type {Membership, Runtime, Sandbox} from '../sandboxes.ts';

/** What each is called in sentences. */
const NAMES: Readonly<Record<Runtime, string>> = {
  containerd: 'containerd',
  'cri-o': 'CRI-O',
  docker: 'Docker',
};

/** Each runtime that keeps containers of pods, with how many pods of it have a process and how many have none. */
export type InUse = ReadonlyMap<Runtime, {readonly running: number; readonly stopped: number}>;

/** A process is what counts: what lies on disk may be years old. */
export function runtimesInUse(
  sandboxes: readonly Sandbox[],
  memberships: readonly Pick<Membership, 'container'>[],
): InUse {
  const alive = new Set(memberships.map(({container}) => container));
  const pods = new Map<string, {readonly runtime: Runtime; running: boolean}>();
  for (const {id, sandbox, runtime} of sandboxes) {
    if (runtime === undefined) continue;
    const pod = pods.get(sandbox) ?? {runtime, running: false};
    pods.set(sandbox, pod);
    pod.running ||= alive.has(id);
  }
  const found = new Map<Runtime, {running: number; stopped: number}>();
  for (const {runtime, running} of pods.values()) {
    const count = found.get(runtime) ?? {running: 0, stopped: 0};
    found.set(runtime, count);
    count[running ? 'running' : 'stopped'] += 1;
  }
  return found;
}

/** Runtimes that only left something behind, where another one has processes: their pods are no pods of this node. */
export function leftOver(inUse: InUse): ReadonlySet<Runtime> {
  const used = [...inUse].filter(([, {running}]) => running > 0);
  return new Set(
    used.length === 0 ? [] : [...inUse].flatMap(([runtime, {running}]) => (running ? [] : runtime)),
  );
}

/** Says what more than one runtime on a node means; nothing where there is one, as there should be. */
export function severalRuntimes(node: string, fact: string, inUse: InUse): Gap[] {
  const old = leftOver(inUse);
  const gaps = [...old].map(runtime => {
    const {stopped} = inUse.get(runtime)!;
    const what = stopped === 1 ? 'a pod' : `${stopped} pods`;
    const none = stopped === 1 ? 'it' : 'them';
    return {
      node,
      fact,
      reason: `${NAMES[runtime]} left the state of ${what} on node ${node}, and no process of ${none} runs: not shown, as another container runtime has the running ones.`,
      reveal: `start ${NAMES[runtime]} on ${node}; if it is no longer used there, remove what it left.`,
    };
  });
  const used = [...inUse].filter(([, {running}]) => running > 0);
  if (used.length > 1) {
    const counts = used.map(([runtime, {running}]) => `${NAMES[runtime]} (${running})`).join(', ');
    gaps.push({
      node,
      fact,
      reason: `Pods run in more than one container runtime on node ${node}: ${counts}. All of them are shown; the kubelet knows those of one.`,
      reveal: `\`--container-runtime-endpoint\` among the kubelet's arguments on ${node} tells which it speaks to.`,
    });
  }
  return gaps;
}
