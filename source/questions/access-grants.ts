/** The smallest rights that let everything be read, as lines to paste, each with how much they give away. */
import {CLUSTER_FACTS} from '../facts/cluster.ts';
import {doasOnly, wantsTerminal} from '../facts/rights.ts';
import type {GraphNode} from '../model/graph.ts';

export type Grant = {
  readonly kind: 'sudoers' | 'doas' | 'kubernetes';
  /** Where the lines go. */
  readonly file: string;
  /** Nodes that it is for, by name; none for the Kubernetes API. */
  readonly nodes: string[];
  readonly lines: string[];
  /** Whether whoever has it can do what root can. */
  readonly amountsToRoot: boolean;
  readonly why: string;
  /** A command that checks the lines before they count. */
  readonly check: string;
};

/** Stands for a user whose name is not known: nodes that root logs in to say nothing about others. */
export const SOMEBODY = 'USER';

const SHELL =
  'hoptop feeds one shell there, which runs whatever it is fed. Narrower lines would be no smaller right: nsenter, ip, find or grep with words of one’s own choosing amount to root as well.';

/** One grant for each user and way there, over all the nodes that it is for. */
export function nodeGrants(nodes: readonly GraphNode[]): Grant[] {
  const read = nodes.filter(node => node.snapshot?.identity?.value.uid !== undefined);
  const groups = Map.groupBy(read, node => JSON.stringify(linesFor(node)));
  return [...groups].map(([key, of]): Grant => {
    const {kind, lines} = JSON.parse(key) as Pick<Grant, 'kind' | 'lines'>;
    return {
      kind,
      file: kind === 'doas' ? '/etc/doas.conf' : '/etc/sudoers.d/hoptop',
      nodes: of.map(({name}) => name),
      lines,
      amountsToRoot: true,
      why: SHELL,
      check: kind === 'doas' ? 'doas -C FILE' : 'visudo -c -f FILE',
    };
  });
}

function linesFor({snapshot}: GraphNode): Pick<Grant, 'kind' | 'lines'> {
  const {uid, rights} = snapshot!.identity!.value;
  const root = rights === undefined || rights.means === 'login';
  const user = root ? SOMEBODY : called(rights.user, uid!);
  if (rights !== undefined && doasOnly(rights))
    return {kind: 'doas', lines: [`permit nopass ${user.replace(/^#/, '')} as root cmd sh`]};
  return {
    kind: 'sudoers',
    lines: [
      ...(rights !== undefined && wantsTerminal(rights) ? [`Defaults:${user} !requiretty`] : []),
      `${user} ALL=(root) NOPASSWD: /bin/sh`,
    ],
  };
}

/** As sudoers takes it (sudoers(5)): a name of capitals would be an alias, and others need quotes. */
function called(user: string | undefined, uid: number): string {
  if (user === undefined) return uid === 0 ? SOMEBODY : `#${uid}`;
  if (/^[a-z_][a-zA-Z0-9_.-]*$/.test(user)) return user;
  return uid === 0 ? `"${user.replace(/["\\]/g, '\\$&')}"` : `#${uid}`;
}

/** What is asked of the API, as RBAC names it: `/apis/apps/v1/daemonsets` is `daemonsets` of the group `apps`. */
export function apiResources(): {readonly group: string; readonly resource: string; readonly path: string}[] {
  return CLUSTER_FACTS.flatMap(({reader}) => reader.api?.paths ?? []).map(path => {
    const parts = path.split('/').slice(1);
    return {group: parts[0] === 'apis' ? parts[1]! : '', resource: parts.at(-1)!, path};
  });
}

/** Lists and watches, nothing else: a collection is never read with `get` (Kubernetes, Authorization Overview). */
export function kubeGrant(): Grant {
  const groups = Map.groupBy(apiResources(), ({group}) => group);
  const rules = [...groups].flatMap(([group, all]) => [
    `- apiGroups: ["${group}"]`,
    `  resources: [${all.map(({resource}) => `"${resource}"`).join(', ')}]`,
    '  verbs: ["list", "watch"]',
  ]);
  return {
    kind: 'kubernetes',
    file: 'hoptop-role.yaml',
    nodes: [],
    lines: [
      'apiVersion: rbac.authorization.k8s.io/v1',
      'kind: ClusterRole',
      'metadata:',
      '  name: hoptop',
      'rules:',
      ...rules,
      '---',
      'apiVersion: rbac.authorization.k8s.io/v1',
      'kind: ClusterRoleBinding',
      'metadata:',
      '  name: hoptop',
      'roleRef:',
      '  apiGroup: rbac.authorization.k8s.io',
      '  kind: ClusterRole',
      '  name: hoptop',
      'subjects:',
      '- apiGroup: rbac.authorization.k8s.io',
      '  kind: User',
      `  name: ${SOMEBODY}`,
    ],
    amountsToRoot: false,
    why: 'It changes nothing and reads no Secret. Whoever has it can read the whole spec of every pod, and so values that are written into its environment; hoptop drops those.',
    check: 'kubectl apply --dry-run=server -f FILE',
  };
}
