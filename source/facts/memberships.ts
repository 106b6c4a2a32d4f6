import {AS_ROOT, dated, gapsOf, hiddenFrom} from './contribution.ts';
import type {Gap, Parsed} from './evidence.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted} from './lines.ts';
import {optional} from './links.ts';
import {parsePieces} from './pieces.ts';
import {runtimesInUse, severalRuntimes} from './sandboxes/runtimes.ts';
import type {Membership} from './sandboxes.ts';
import type {Snapshot} from './snapshot.ts';

const ID = /(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:\/.*)?$/;
const UID = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?![0-9a-f])/;

/**
 * Samples (`grep -Hm1` of /proc/PID/cgroup): cgroup v1 with the cgroupfs driver, and v2 with the systemd driver.
 * ```
 * /proc/2928/cgroup:9:name=systemd:/atlas/kubepods/besteffort/podd3e3e1a9-c8a0-…/f7d7682333166dac…
 * /proc/71/cgroup:0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod69a47c08_cb5c_….slice/cri-containerd-5fde….scope
 * ```
 * Prefixes of nesting (kind, k3s in Docker) stand before the last `kubepods`; crun adds a child directory; static pods
 * have 32 hex digits for a uid; CRI-O's monitors (`crio-conmon-…`) are outside of the container and do not count.
 */
export function parseMemberships(out: Uint8Array): Parsed<Membership> {
  const rows: Membership[] = [];
  // A paste may have the line of every controller, all with the same container.
  const seen = new Set<string>();
  const problems: string[] = [];
  for (const {from, to, text} of linesOf(out)) {
    const match = /^(?:\/proc\/)?(\d{1,10})\/cgroup:\d+:[^:]*:(\/.*)$/.exec(text);
    if (!match) {
      note(problems, () => `a line that is no control group: ${quoted(text)}.`);
      continue;
    }
    const path = match[2]!;
    const last = path.lastIndexOf('kubepods');
    // Under Kubernetes the id follows the pod; what nests around it (kind's own container) stands before.
    const inner = last < 0 ? path : path.slice(last);
    const container = ID.exec(inner)?.[1];
    if (container === undefined || /crio-conmon-|libpod-conmon-/.test(inner)) continue;
    const uid = last < 0 ? undefined : UID.exec(inner)?.[1];
    if (seen.has(`${match[1]} ${container}`)) continue;
    seen.add(`${match[1]} ${container}`);
    rows.push({from, to, pid: Number(match[1]), container, ...optional('uid', uid?.replaceAll('_', '-'))});
  }
  return {rows, problems};
}

/** One sentence about the pods that only their control groups tell of, none when there are no such pods. */
function nameless(soFar: Snapshot, rows: readonly Membership[], fact: string): Gap[] {
  const named = new Set<string>();
  for (const {id, uid} of soFar.sandboxes?.value ?? []) named.add(id).add(uid);
  for (const {uid} of soFar.podLogs?.value ?? []) if (uid !== undefined) named.add(uid);
  const pods = new Set<string>();
  for (const {uid, container} of rows) {
    if (uid !== undefined && !named.has(uid) && !named.has(container)) pods.add(uid);
  }
  if (pods.size === 0) return [];
  const some = [...pods].slice(0, 3).join(', ');
  return [
    {
      node: soFar.node,
      fact,
      reason: `${pods.size} ${pods.size === 1 ? 'pod has' : 'pods have'} no name on node ${soFar.node}: only control groups tell of ${some}${pods.size > 3 ? ' and others' : ''}.`,
      reveal: `Names come from what containerd, CRI-O or Docker keep, readable by root only, and from /var/log/pods. ${AS_ROOT}`,
    },
  ];
}

export const MEMBERSHIPS: Fact = {
  name: 'memberships',
  reader: {
    name: 'proc-cgroup@1',
    fact: 'memberships',
    scope: 'node',
    command: "cd /proc && grep -sHEm1 '[0-9a-f]{64}' [0-9]*/cgroup",
    why: 'Which container and pod a process belongs to, by its control group.',
    limit: 16_000_000,
    timeout: 5,
    slight: true,
  },
  cadence: {when: 'sweep'},
  formats: [
    {
      name: 'proc-cgroup@1',
      label: 'grep -H . /proc/[0-9]*/cgroup',
      looks: ({lines}) => /^(\/proc\/)?\d{1,10}\/cgroup:\d+:[^:]*:\//.test(lines[0] ?? ''),
      redact: out => out,
    },
  ],
  contribute(reply, soFar) {
    const {rows, problems} = parsePieces(reply, parseMemberships);
    const asker = {soFar, withoutRoot: hiddenFrom(soFar)};
    const gaps = gapsOf(reply, {name: 'grep', fine: [1, 2]}, problems, asker);
    if (rows.length === 0 && gaps.length > 0) return {gaps};
    return {
      node: {memberships: dated(reply, rows)},
      gaps: [
        ...gaps,
        ...nameless({...soFar, node: reply.node}, rows, reply.fact),
        ...severalRuntimes(reply.node, 'sandboxes', runtimesInUse(soFar.sandboxes?.value ?? [], rows)),
      ],
    };
  },
  /** Nothing secret: ids of processes, containers and pods. */
  redact: out => out,
};
