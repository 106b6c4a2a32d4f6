import type {InterfaceRow} from '../questions/interface-rows.ts';
import type {PodAnswer} from '../questions/pod.ts';
import {interfaceTable} from './interface-table.ts';
import {asOfText, mark, stateMark} from './marks.ts';
import {peerTable} from './peer-table.ts';
import {processTable} from './process-table.ts';
import {routeTable} from './route-table.ts';
import {socketTable} from './socket-table.ts';
import {byteRate, bytes, count} from './units.ts';
import type {Cell, Fields, View} from './view.ts';

type Field = Fields['fields'][number];

export function podView(answer: PodAnswer): Omit<View, 'gaps'> {
  const {pod, interfaces, routes, processes, peers, listening, sockets} = answer;
  return {
    title: `pod ${pod.pod}`,
    summary: [
      {
        text: stateMark(pod.state, pod.asOf),
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
      {key: 'peers', title: 'Peers', body: peerTable(peers, 'It talks to nobody, as far as was read.')},
      {key: 'listening', title: 'Listening', body: socketTable(listening, 'Nothing in it listens.')},
      {key: 'sockets', title: 'Sockets', body: socketTable(sockets, 'It has no socket.')},
      {key: 'processes', title: 'Processes', body: processTable(processes, 'No process of it was seen.')},
      {
        key: 'interfaces',
        title: 'Interfaces',
        body: interfaceTable(interfaces, 'It has no interface of its own, or none was read.'),
      },
      {
        key: 'routes',
        title: 'Routes',
        body: routeTable(routes, 'It has no route of its own, or none was read.'),
      },
    ],
  };
}

/** The way out of the pod, drawn downwards: each line is an interface and opens it. */
function way(answer: PodAnswer): Field[] {
  const {pod, interfaces, outside, inward, uplink} = answer;
  if (pod.hostNetwork) {
    const rail = uplink ? [linkField('└─', uplink, 'the node’s own network')] : [];
    return [
      {label: '', cells: [{text: `┌─ ${pod.pod}`, tone: 'strong'}, {text: '  shares the node’s namespace'}]},
      ...rail,
    ];
  }
  const lines: Field[] = [{label: '', cells: [{text: `┌─ ${pod.pod}`, tone: 'strong'}]}];
  for (const attachment of pod.attachments) {
    const inside = interfaces.find(link => link.words === attachment.inside.words);
    if (!inside) continue;
    lines.push(linkField('├─', inside, 'in the pod'));
    const ends = outside.filter(link => attachment.outside.some(one => one.words === link.words));
    const why: Cell = {
      text: `│    ${attachment.grade}: ${attachment.why}`,
      tone: attachment.grade === 'proven' ? 'dim' : 'warn',
    };
    lines.push({label: '', cells: [why]});
    for (const end of ends)
      lines.push(linkField('├─', end, `${mark(attachment.grade)} on ${pod.node}`.trim()));
    if (attachment.master !== undefined) {
      const words = `${pod.node}/${attachment.master}`;
      lines.push({
        label: '',
        cells: [{text: `├─ ${attachment.master}`, tone: 'strong'}, {text: '  bridges it'}],
        opens: {name: 'link', words: [words]},
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
      label: '',
      cells: [{text: `├─ route ${text}`}, {text: '  leads to it', tone: 'dim'}],
      evidence: route.evidence,
    });
  }
  if (uplink) lines.push(linkField('└─', uplink, 'the node’s way out'));
  return lines;
}

function linkField(rail: string, link: InterfaceRow, note: string): Field {
  const inet = link.inet.map(({address, prefix}) => `${address}/${prefix}`).join(' ');
  const rates = [link.rates.rxBytes, link.rates.txBytes].some(rate => rate !== undefined)
    ? `  ↓${byteRate(link.rates.rxBytes)} ↑${byteRate(link.rates.txBytes)}`
    : link.counters
      ? `  ↓${bytes(link.counters.rxBytes)} ↑${bytes(link.counters.txBytes)}`
      : '';
  return {
    label: '',
    cells: [
      {text: `${rail} ${link.name}`, tone: 'strong'},
      {text: `  ${[link.kind, inet, `mtu ${link.mtu}`, link.state].filter(Boolean).join(' ')}`},
      {text: rates, tone: 'accent'},
      {text: `  ${note}`, tone: 'dim'},
    ],
    opens: {name: 'link', words: [link.words]},
    evidence: link.evidence,
  };
}

function about({pod, sandbox, containers}: PodAnswer): Field[] {
  const line = (label: string, text: string, opens?: Field['opens']): Field => ({
    label,
    cells: [{text}],
    ...(opens ? {opens} : {}),
  });
  return [
    line('node', pod.node, {name: 'node', words: [pod.node]}),
    line('addresses', pod.addresses.join(' ') || 'none read'),
    {
      label: 'netns',
      cells: [
        {text: pod.netns ?? 'unknown', tone: pod.netns === undefined ? 'warn' : 'plain'},
        {text: `  ${`${mark(pod.grade)} ${pod.why}`.trim()}`, tone: 'dim'},
      ],
      evidence: pod.evidence,
    },
    line('uid', pod.uid),
    line(
      'sandbox',
      sandbox ? `${sandbox.id.slice(0, 12)}  ${sandbox.netnsPath ?? 'host network'}` : 'not read',
    ),
    ...containers.map(({name, id, image, processes}) =>
      line(
        'container',
        `${name}  ${id.slice(0, 12)}  ${image ?? 'image unknown'}  ${count(processes, 'process', 'processes')}`,
      ),
    ),
  ];
}
