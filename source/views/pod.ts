import type {InterfaceRow} from '../questions/interface-rows.ts';
import type {PodAnswer} from '../questions/pod.ts';
import {interfaceTable} from './interface-table.ts';
import {asOfText, mark, stateMark} from './marks.ts';
import {peerTable} from './peer-table.ts';
import {podState} from './pod-table.ts';
import {processTable} from './process-table.ts';
import {routeTable} from './route-table.ts';
import {socketTable} from './socket-table.ts';
import {without} from './table.ts';
import {byteRate, bytes, count} from './units.ts';
import type {Fields, View} from './view.ts';

type Field = Fields['fields'][number];

export function podView(answer: PodAnswer): Omit<View, 'gaps'> {
  const {pod, interfaces, routes, processes, peers, listening, sockets} = answer;
  const unless = (empty: string) => (pod.state === 'listed' ? `Nothing of it was read: ${pod.why}.` : empty);
  return {
    title: `pod ${pod.pod}`,
    summary: [
      {
        text: podState(pod),
        tone: pod.state === 'running' && pod.asOf === undefined ? 'good' : 'warn',
      },
      {
        text: ` on ${pod.node} · ${pod.hostNetwork ? 'host network' : pod.addresses.join(' ') || 'no address read'}`,
      },
      {
        text: ` · ${count(peers.length, 'peer')} · ${pod.sockets ? `${pod.sockets.established} established, ${listening.count} listening` : 'sockets not read'}`,
      },
      {text: asOfText(pod.asOf, answer.at), tone: 'warn'},
    ],
    facets: [
      {key: 'pod', title: 'Pod', body: {type: 'fields', fields: [...way(answer), ...about(answer)]}},
      {
        key: 'peers',
        title: 'Peers',
        body: peerTable(peers, unless('It talks to nobody, as far as was read.')),
      },
      {
        key: 'listening',
        title: 'Listening',
        body: without(socketTable(listening, unless('Nothing in it listens.')), 'node', 'pod'),
      },
      {
        key: 'sockets',
        title: 'Sockets',
        body: without(socketTable(sockets, unless('It has no socket.')), 'node', 'pod'),
      },
      {
        key: 'processes',
        title: 'Processes',
        body: without(processTable(processes, unless('No process of it was seen.')), 'node', 'pod'),
      },
      {
        key: 'interfaces',
        title: 'Interfaces',
        body: without(
          interfaceTable(interfaces, 'It has no interface of its own, or none was read.'),
          'where',
        ),
      },
      {
        key: 'routes',
        title: 'Routes',
        body: without(routeTable(routes, 'It has no route of its own, or none was read.'), 'where'),
      },
    ],
  };
}

/**
 * The way out of the pod, drawn downwards: each line is an interface and opens it. What a line is stands in its label,
 * so that the drawing fits 80 columns and is never wrapped: a wrapped line has no rail.
 */
function way(answer: PodAnswer): Field[] {
  const {pod, interfaces, outside, inward, uplink} = answer;
  const head: Field = {
    label: 'pod',
    cells: [{text: `┌─ ${pod.pod}`, tone: 'strong'}],
    opens: {name: 'peers', words: [pod.pod]},
    other: {name: 'node', words: [pod.node]},
    evidence: pod.evidence,
  };
  if (pod.hostNetwork) {
    const shares = {...head, cells: [...head.cells, {text: '  shares the node’s namespace'}]};
    return [shares, ...(uplink ? [linkField('way out', '└─', uplink), traffic(' ', uplink)] : [])];
  }
  const lines: Field[] = [head];
  for (const attachment of pod.attachments) {
    const inside = interfaces.find(link => link.words === attachment.inside.words);
    if (!inside) continue;
    const ends = outside.filter(link => attachment.outside.some(one => one.words === link.words));
    const [end] = ends;
    lines.push(linkField('in pod', '├─', inside, end), traffic('│', inside, end), {
      label: 'pair',
      cells: [{text: `│  ${attachment.grade}`, tone: attachment.grade === 'proven' ? 'dim' : 'warn'}],
      opens: {name: 'link', words: [inside.words]},
      ...(end ? {other: {name: 'link', words: [end.words]}} : {}),
      evidence: [...inside.evidence, ...ends.flatMap(one => one.evidence)],
    });
    const rail = ['├─', mark(attachment.grade)].filter(Boolean).join(' ');
    for (const one of ends) lines.push(linkField('on node', rail, one, inside));
    if (attachment.master !== undefined) {
      lines.push({
        label: 'bridge',
        cells: [{text: `├─ ${attachment.master}`, tone: 'strong'}],
        opens: {name: 'link', words: [`${pod.node}/${attachment.master}`]},
        ...(end ? {other: {name: 'link', words: [end.words]}, evidence: end.evidence} : {}),
      });
    }
  }
  const [route] = inward;
  if (route) {
    const hop = route.hops[0];
    const text = [route.dst, hop?.via && `via ${hop.via}`, hop?.dev && `dev ${hop.dev}`]
      .filter(Boolean)
      .join(' ');
    lines.push({
      label: 'route in',
      cells: [{text: `├─ ${text}`}],
      opens: {name: 'routes', words: [pod.node]},
      evidence: route.evidence,
    });
  }
  if (uplink) lines.push(linkField('way out', '└─', uplink), traffic(' ', uplink));
  return lines;
}

function linkField(label: string, rail: string, link: InterfaceRow, end?: InterfaceRow): Field {
  const [first, ...more] = link.inet;
  const inet = first && `${first.address}/${first.prefix}${more.length > 0 ? ` +${more.length}` : ''}`;
  return {
    label,
    cells: [
      {text: `${rail} ${link.name}`, tone: 'strong'},
      {
        text: `  ${[link.kind, inet, `mtu ${link.mtu}`, stateMark(link.state, link.asOf)].filter(Boolean).join(' ')}`,
      },
    ],
    ...opensLink(link, end),
  };
}

/** What passes now, where two sweeps tell it, and what passed since the interface was made. */
function traffic(rail: string, link: InterfaceRow, end?: InterfaceRow): Field {
  const {counters, rates} = link;
  const moving = [rates.rxBytes, rates.txBytes].some(rate => rate !== undefined);
  const now = moving ? `↓${byteRate(rates.rxBytes)} ↑${byteRate(rates.txBytes)}` : '';
  const all = counters ? `RX ${bytes(counters.rxBytes)} TX ${bytes(counters.txBytes)} in all` : 'not read';
  return {
    label: 'traffic',
    cells: [
      {text: `${rail}  `},
      {text: now === '' ? '' : `${now}  `, tone: link.asOf === undefined ? 'accent' : 'dim'},
      {text: all, tone: 'dim'},
    ],
    ...opensLink(link, end),
  };
}

function opensLink(link: InterfaceRow, end?: InterfaceRow): Pick<Field, 'opens' | 'other' | 'evidence'> {
  return {
    opens: {name: 'link', words: [link.words]},
    ...(end ? {other: {name: 'link' as const, words: [end.words]}} : {}),
    evidence: link.evidence,
  };
}

function about({pod, sandbox, containers, interfaces, outside}: PodAnswer): Field[] {
  const line = (label: string, text: string, opens?: Field['opens']): Field => ({
    label,
    cells: [{text}],
    ...(opens ? {opens} : {}),
    evidence: pod.evidence,
  });
  return [
    line('node', pod.node, {name: 'node', words: [pod.node]}),
    line('addresses', pod.addresses.join(' ') || 'none read', {name: 'interfaces', words: [pod.pod]}),
    ...pod.attachments.map(
      (one): Field => ({
        label: 'joined by',
        cells: [
          {text: one.grade, tone: one.grade === 'proven' ? 'plain' : 'warn'},
          {text: `: ${one.why}`, tone: 'dim'},
        ],
        opens: {name: 'link', words: [one.inside.words]},
        evidence: [...interfaces, ...outside]
          .filter(link => [one.inside, ...one.outside].some(({words}) => words === link.words))
          .flatMap(link => link.evidence),
      }),
    ),
    {
      label: 'netns',
      cells: [
        {text: pod.netns ?? 'unknown', tone: pod.netns === undefined ? 'warn' : 'plain'},
        {text: `  ${`${mark(pod.grade)} ${pod.why}`.trim()}`, tone: 'dim'},
      ],
      opens: {name: 'routes', words: [pod.pod]},
      evidence: pod.evidence,
    },
    ...(pod.status === undefined
      ? []
      : [line('by the API', [pod.status, ...(pod.apiAddresses ?? [])].join(' '))]),
    ...pod.disagreements.map(
      (text): Field => ({label: 'API ≠ node', cells: [{text, tone: 'warn'}], evidence: pod.evidence}),
    ),
    ...(pod.owner === undefined ? [] : [line('owner', pod.owner)]),
    line('uid', pod.uid || 'not known'),
    line(
      'sandbox',
      sandbox ? `${sandbox.id.slice(0, 12)}  ${sandbox.netnsPath ?? 'host network'}` : 'not read',
    ),
    ...containers.map(({name, id, image, processes}) =>
      line(
        'container',
        `${name}  ${id.slice(0, 12)}  ${image ?? 'image unknown'}  ${count(processes, 'process', 'processes')}`,
        {name: 'processes', words: [pod.pod]},
      ),
    ),
  ];
}
