import type {PodRow} from '../questions/pod-rows.ts';
import {mark, stateMark} from './marks.ts';
import {type ColumnOf, figures, listTable, words} from './table.ts';
import type {Table} from './view.ts';

/** Only there where the Kubernetes API and a node disagree: what both say. */
function disagreeing(pods: readonly PodRow[]): readonly ColumnOf<PodRow>[] {
  if (pods.every(({disagreements}) => disagreements.length === 0)) return [];
  return [
    words('disagreements', 'API ≠ Node', 1, 12, pod => pod.disagreements.join('; '), {
      tone: () => 'warn',
      max: 100,
    }),
  ];
}

export function podTable(pods: readonly PodRow[], empty: string): Table {
  return listTable(pods, {
    columns: [
      words('pod', 'Pod', 0, 16, pod => pod.pod, {
        grow: true,
        tone: pod => (pod.asOf === undefined ? 'strong' : 'dim'),
      }),
      words('node', 'Node', 1, 6, pod => pod.node, {max: 24}),
      words('state', 'State', 2, 7, podState, {
        tone: pod => (pod.state === 'running' && pod.asOf === undefined ? 'good' : 'dim'),
      }),
      words('addresses', 'IP', 0, 11, pod => pod.addresses[0]),
      words('link', 'Host Link', 1, 10, hostLink, {max: 32}),
      words('master', 'On', 3, 5, master),
      words('containers', 'Containers', 4, 8, pod => pod.containers.join(' '), {max: 40}),
      figures('processes', 'Procs', 5, 5, pod => (pod.state === 'listed' ? undefined : pod.processes)),
      figures('established', 'Estab', 3, 5, pod => pod.sockets?.established),
      figures('listening', 'Listen', 3, 6, pod => pod.sockets?.listening),
      words('netns', 'Netns', 7, 10, pod => pod.netns ?? '?'),
      words('uid', 'UID', 9, 36, pod => pod.uid),
      ...disagreeing(pods),
    ],
    row: pod => ({
      id: `${pod.node} ${pod.uid} ${pod.pod}`,
      opens: {name: 'pod', words: [pod.pod]},
      evidence: pod.evidence,
    }),
    empty,
  });
}

/** `not read` where only the API tells of it, with what that says where it is not the usual. */
export function podState({state, status, asOf}: PodRow): string {
  if (state !== 'listed') return stateMark(state, asOf);
  return status === undefined || status === 'Running' ? 'not read' : `${status}, not read`;
}

function hostLink(pod: PodRow): string {
  if (pod.hostNetwork) return '(host network)';
  const found = pod.attachments.find(one => one.inside.name !== 'lo');
  if (!found) return pod.netns === undefined ? '?' : '-';
  if (found.grade === 'ambiguous') return `≈ ${found.outside.length} fit`;
  const [outside] = found.outside;
  return outside ? [mark(found.grade), outside.name].filter(part => part !== '').join(' ') : '?';
}

/** What the host's end hangs on: a bridge, or a route straight to it. */
function master({attachments}: PodRow): string {
  return (
    attachments.find(one => one.master !== undefined)?.master ??
    (attachments.some(one => one.routed) ? 'route' : '')
  );
}
