import type {NodeRow} from '../questions/node-rows.ts';
import type {OverviewAnswer} from '../questions/overview.ts';
import {PASTED_STEP} from '../wire/source.ts';
import {gapSentences} from './gaps.ts';
import {reachTone} from './marks.ts';
import {type ColumnOf, figures, listTable, words} from './table.ts';
import {age, count, span} from './units.ts';
import type {Cell, Table, Tone, View} from './view.ts';

export function overviewView({nodes, totals, at, gaps}: OverviewAnswer): Omit<View, 'gaps'> {
  const unread = totals.nodes - totals.read;
  const unseen = gapSentences(gaps).length;
  return {
    title: 'overview',
    summary: [
      {text: count(totals.nodes, 'node')},
      ...(unread > 0 ? [{text: `, ${unread} not read`, tone: 'bad' as const}] : []),
      // What no node told is not none.
      ...told(
        'pod',
        totals.pods,
        nodes.map(({pods}) => pods),
      ),
      ...told(
        'namespace',
        totals.namespaces,
        nodes.map(({namespaces}) => namespaces),
      ),
      {text: ` · ${totals.sockets.established} estab, ${totals.sockets.listening} listen`},
      ...(nodes.some(({cost}) => cost !== undefined)
        ? [{text: ` · ${totals.cpu.toFixed(2)} s CPU`, tone: 'dim' as const}]
        : []),
      ...(unseen > 0 ? [{text: ` · ${count(unseen, 'gap')}`, tone: 'warn' as const}] : []),
    ],
    facets: [{key: 'nodes', title: 'Nodes', body: nodeTable(nodes, at)}],
  };
}

function told(what: string, total: number, each: readonly (number | undefined)[]): Cell[] {
  return total === 0 && each.every(one => one === undefined) && each.length > 0
    ? []
    : [{text: ` · ${count(total, what)}`}];
}

function nodeTable(nodes: readonly NodeRow[], now: string): Table {
  return listTable(nodes, {
    columns: [
      words('name', 'NAME', 0, 8, node => node.name, {tone: () => 'strong', max: 40}),
      words('state', 'STATE', 0, 5, stateText, {tone: stateToneOf, max: 40}),
      ...byApi(nodes, now),
      figures('pods', 'PODS', 0, 4, node => node.pods),
      figures('established', 'ESTAB', 1, 5, node => node.sockets?.established),
      figures('listening', 'LISTEN', 2, 6, node => node.sockets?.listening),
      words('os', 'OS-IMAGE', 4, 10, node => node.os, {max: 32}),
      words('kernel', 'KERNEL-VERSION', 3, 10, node => node.kernel, {max: 28}),
      words('runtime', 'CONTAINER-RUNTIME', 8, 7, node => node.runtime, {max: 32}),
      ...clocks(nodes),
      figures('uptime', 'UPTIME', 5, 6, node => node.uptime, {show: span}),
      figures('namespaces', 'NETNS', 6, 5, node => node.namespaces),
      figures('processes', 'PROCS', 7, 5, node => node.processes),
      {
        key: 'age',
        title: 'AGE OF DATA',
        align: 'right',
        priority: 1,
        min: 11,
        cell: node => ({
          text: age(node.at, now),
          tone: node.asOf === undefined ? 'plain' : 'warn',
        }),
        sort: node => node.at,
      },
      ...costs(nodes),
    ],
    row: node => ({
      id: node.id,
      opens: {name: 'node', words: [node.name]},
      other: {name: 'peers', words: [node.name]},
      evidence: node.evidence,
    }),
    empty: 'No nodes. Name some with --nodes root@10.0.0.1,root@10.0.0.2, or try hoptop demo.',
  });
}

/** What reading them cost; nothing where all was pasted. */
function costs(nodes: readonly NodeRow[]): readonly ColumnOf<NodeRow>[] {
  if (nodes.some(({step}) => step === PASTED_STEP) && nodes.every(({cost}) => cost === undefined)) return [];
  return [
    figures('cpu', 'CPU', 3, 7, node => node.cost?.cpu, {show: seconds => `${seconds.toFixed(2)} s`}),
    figures('wall', 'WALL', 3, 7, node => node.cost?.wall, {show: wall => `${Math.round(wall)} ms`}),
  ];
}

/** How far clocks are off: a column where one is. */
function clocks(nodes: readonly NodeRow[]): readonly ColumnOf<NodeRow>[] {
  if (nodes.every(({clock}) => clock?.off === undefined)) return [];
  const column = words<NodeRow>('clock', 'CLOCK', 1, 8, node => node.clock && (node.clock.text ?? 'right'), {
    tone: node => (node.clock?.off === undefined ? 'plain' : 'warn'),
  });
  return [{...column, sort: node => node.clock?.off ?? 0}];
}

/**
 * The columns of `kubectl get nodes -o wide` that only the Kubernetes API fills. Where it was not read, the two that a
 * node may show something of, marked as inferred.
 */
function byApi(nodes: readonly NodeRow[], now: string): readonly ColumnOf<NodeRow>[] {
  const address = (title: string) => words<NodeRow>('address', title, 1, 11, node => node.address, {max: 39});
  const inferred = (said: string | undefined) => (said === undefined ? undefined : `~${said}`);
  if (nodes.every(node => node.status === undefined)) {
    return [
      ...(nodes.some(({seen}) => seen?.roles)
        ? [words<NodeRow>('roles', 'ROLES', 4, 6, ({seen}) => inferred(seen?.roles), {max: 24})]
        : []),
      ...(nodes.some(({seen}) => seen?.version)
        ? [words<NodeRow>('version', 'VERSION', 5, 7, ({seen}) => inferred(seen?.version), {max: 24})]
        : []),
      address('ADDRESS'),
    ];
  }
  return [
    words('status', 'STATUS', 2, 6, node => node.status, {
      max: 32,
      tone: node => (node.status?.startsWith('Ready') ? 'good' : 'bad'),
    }),
    words(
      'roles',
      'ROLES',
      3,
      6,
      node => (node.status === undefined ? undefined : (node.roles ?? '<none>')),
      {
        max: 24,
      },
    ),
    {
      key: 'joined',
      title: 'AGE',
      align: 'right',
      priority: 5,
      min: 4,
      cell: node => (node.created === undefined ? (node.age ?? '') : age(node.created, now)),
      sort: node => node.created ?? node.age,
    },
    words('version', 'VERSION', 5, 7, node => node.version, {max: 24}),
    address('INTERNAL-IP'),
    words(
      'external',
      'EXTERNAL-IP',
      8,
      11,
      node => (node.status === undefined ? undefined : (node.external[0] ?? '<none>')),
      {max: 39},
    ),
  ];
}

export function stateToneOf(node: NodeRow): Tone {
  return node.state !== 'lost' && node.partial !== undefined ? 'warn' : reachTone(node.state);
}

export function stateText(node: NodeRow): string {
  if (node.state === 'dialling') return node.step ?? 'dialling';
  if (node.state === 'listed') return 'not read';
  if (node.state === 'ready' && node.step !== undefined) return node.step;
  const state = node.state === 'back' ? 'ready' : node.state;
  return node.partial === undefined || state === 'lost' ? state : `${state}, partial`;
}
