import type {NodeAnswer} from '../questions/node.ts';
import {interfaceTable} from './interface-table.ts';
import {asOfText} from './marks.ts';
import {stateText, stateToneOf} from './overview.ts';
import {podTable} from './pod-table.ts';
import {processTable} from './process-table.ts';
import {routeTable} from './route-table.ts';
import {socketTable} from './socket-table.ts';
import {without} from './table.ts';
import {age, bytes, count, span} from './units.ts';
import type {Fields, View} from './view.ts';

export function nodeView(answer: NodeAnswer): Omit<View, 'gaps'> {
  const {node, pods, interfaces, processes, routes, sockets} = answer;
  const unless = (empty: string) =>
    node.sweep === undefined ? `Nothing of ${node.name} was read yet.` : empty;
  return {
    title: `node ${node.name}`,
    summary: [
      {text: stateText(node), tone: stateToneOf(node)},
      {
        text: ` · ${node.address ?? node.id} · ${node.os ?? 'unknown system'} · ${node.kernel ?? 'unknown kernel'}`,
      },
      {text: node.pods === undefined ? '' : ` · ${count(node.pods, 'pod')}`},
      {text: asOfText(node.asOf, answer.at), tone: 'warn'},
    ],
    facets: [
      {
        key: 'pods',
        title: 'Pods',
        body: without(podTable(pods, unless(`No pod was found on ${node.name}.`)), 'node'),
      },
      {
        key: 'interfaces',
        title: 'Interfaces',
        body: without(interfaceTable(interfaces, unless('No interface of the node was read.')), 'where'),
      },
      {
        key: 'sockets',
        title: 'Sockets',
        body: without(
          socketTable(sockets, unless('No socket was seen in the node’s namespace.')),
          'node',
          'netns',
        ),
      },
      {
        key: 'processes',
        title: 'Processes',
        body: without(processTable(processes, unless('No process was read.')), 'node'),
      },
      {
        key: 'routes',
        title: 'Routes',
        body: without(routeTable(routes, unless('No route of the node was read.')), 'where'),
      },
      {key: 'about', title: 'About', body: about(answer)},
    ],
  };
}

const BY_API = new Set(['by the API', 'seems to be', 'joined by']);

function about({node, at}: NodeAnswer): Fields {
  const {cost} = node;
  const lines: [string, string | undefined][] = [
    ['name', node.name],
    ['reached as', node.id],
    ['state', node.cause ? `${stateText(node)}: ${node.cause}` : stateText(node)],
    [
      'by the API',
      [node.listedAs?.name, node.status, node.roles, node.version].filter(Boolean).join(' ') || undefined,
    ],
    [
      'seems to be',
      node.seen && `${[node.seen.roles, node.seen.version].filter(Boolean).join(', ')}: ${node.seen.why}`,
    ],
    ['joined by', node.listedAs && `${node.listedAs.grade}: ${node.listedAs.why}`],
    ['addresses', node.addresses.join(' ')],
    ['system', node.os],
    ['kernel', node.kernel && [node.kernel, node.arch].filter(Boolean).join(' ')],
    ['machine-id', node.machineId],
    ['up', node.uptime === undefined ? undefined : span(node.uptime)],
    ['clock', clockText(node.clock)],
    ['processors', node.cpus?.toString()],
    ['read as', node.readAs === undefined ? undefined : node.readAs === 0 ? 'root' : `uid ${node.readAs}`],
    ['data', node.at && `${age(node.at, at)} old, sweep ${node.sweep}`],
    [
      'last sweep',
      cost &&
        `${cost.cpu.toFixed(2)} s CPU, ${Math.round(cost.wall)} ms, ${bytes(cost.bytes)}, ${count(cost.trips, 'round trip')}`,
    ],
  ];
  return {
    type: 'fields',
    fields: lines
      // Only where the API was read, or the node shows it: elsewhere nothing is missing without it.
      .filter(([label, text]) => !BY_API.has(label) || text !== undefined)
      .map(([label, text]) => ({
        label,
        cells: [text ? {text} : {text: 'not read', tone: 'dim' as const}],
      })),
  };
}

/** Both bounds: a link that is slow, or has been asked once, tells less. */
function clockText(clock: NodeAnswer['node']['clock']): string | undefined {
  if (!clock) return undefined;
  const signed = (seconds: number) => `${seconds < 0 ? '−' : '+'}${Math.abs(seconds).toFixed(1)} s`;
  const between = `between ${signed(clock.low)} and ${signed(clock.high)}`;
  return clock.text === undefined
    ? `as this machine's (${between})`
    : `${clock.text}${clock.low > 0 ? ' of' : ''} this machine's (${between})`;
}
