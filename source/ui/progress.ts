import type {NodeStatus, Status} from '../session.ts';
import {age} from './ages.ts';
import {busy} from './header.ts';
import type {Line} from './paint.ts';
import {pad, width, wrap} from './text.ts';

/** Every node with its state, what it is busy with, for how long, and the cause and next step of one that is lost. */
export function nodeLines(status: Status | undefined, columns: number): Line[] {
  if (!status) return [[{text: 'Starting.', tone: 'dim'}]];
  if (status.nodes.length === 0)
    return [[{text: 'No node was given. Name some with --nodes, --inventory or --local.'}]];
  const names = Math.min(
    Math.max(...status.nodes.map(node => width(node.name))),
    Math.max(12, Math.floor(columns / 3)),
  );
  return status.nodes.flatMap(node => [
    [
      {text: ` ${MARKS[node.state]} `, tone: TONES[node.state]},
      {text: pad(node.name, names), tone: 'strong'},
      {text: '  '},
      {text: busy(node, status.now), tone: TONES[node.state]},
      {text: read(node, status.now), tone: 'dim'},
    ] satisfies Line,
    ...wrap(node.warning ?? '', columns - 5).flatMap((text): Line[] =>
      text === '' ? [] : [[{text: `     ${text}`, tone: 'bad'}]],
    ),
    ...wrap(node.cause ?? '', columns - 5).flatMap((text): Line[] =>
      text === '' ? [] : [[{text: `     ${text}`}]],
    ),
  ]);
}

const MARKS: Record<NodeStatus['state'], string> = {dialling: '…', ready: '✓', back: '✓', lost: '✗'};
const TONES = {dialling: 'warn', ready: 'good', back: 'good', lost: 'bad'} as const;

function read(node: NodeStatus, now: string): string {
  if (node.sweep === 0) return ' · not read yet';
  const old = age(node.at, now);
  const parts = [`${node.sweep} ${node.sweep === 1 ? 'sweep' : 'sweeps'}`];
  if (old !== undefined) parts.push(`last ${old} ago`);
  if (node.wall !== undefined) parts.push(`${Math.round(node.wall)} ms`);
  if (node.cpu !== undefined) parts.push(`CPU ${Math.round(node.cpu * 1000)} ms`);
  return ` · ${parts.join(', ')}`;
}
