import type {PeerRow} from '../questions/peer-rows.ts';
import type {Question} from '../questions/question.ts';
import {gradeTone, mark, perhapsText} from './marks.ts';
import {figures, listTable, words} from './table.ts';
import {bytes, ms} from './units.ts';
import type {Table} from './view.ts';

const WAYS = {in: '← in', out: '→ out', both: '↔ both', unknown: '?'} as const;

export function peerTable(peers: readonly PeerRow[], empty: string): Table {
  return listTable(peers, {
    columns: [
      words('peer', 'Peer', 0, 16, peerName, {
        grow: true,
        tone: peer =>
          peer.asOf !== undefined ? 'dim' : peer.grade === 'proven' ? 'strong' : gradeTone(peer.grade),
      }),
      words('node', 'Node', 2, 6, peer => peer.node, {max: 24}),
      words('direction', 'Way', 0, 6, peer => WAYS[peer.direction]),
      words('ports', 'Ports', 0, 8, portsText, {max: 32}),
      words('purposes', 'For', 2, 6, peer => peer.purposes.join(' '), {max: 40}),
      figures('connections', 'Conns', 1, 5, peer => peer.connections),
      words('states', 'States', 4, 8, statesText, {max: 40}),
      words('gone', 'Only Conntrack', 3, 8, goneText, {max: 40, tone: () => 'warn'}),
      words('services', 'Through', 3, 8, peer => peer.services.join(' '), {max: 40}),
      figures('rtt', 'RTT', 2, 7, peer => peer.worst.rtt, {show: ms}),
      figures('retrans', 'Retrans', 2, 7, peer => peer.worst.retrans, {
        tone: peer => ((peer.worst.retrans ?? 0) > 0 ? 'warn' : 'dim'),
      }),
      figures('recvQ', 'Recv-Q', 3, 6, peer => peer.worst.recvQ, {
        show: bytes,
        tone: peer => (peer.worst.recvQ > 0 ? 'warn' : 'dim'),
      }),
      figures('sendQ', 'Send-Q', 3, 6, peer => peer.worst.sendQ, {
        show: bytes,
        tone: peer => (peer.worst.sendQ > 0 ? 'warn' : 'dim'),
      }),
      words('program', 'Program', 5, 7, peer => peer.program, {max: 20}),
      words('addresses', 'Addresses', 6, 11, addressesText, {max: 60}),
      words('locals', 'Local Process', 7, 10, peer => peer.locals.join(' '), {max: 40}),
    ],
    row: peer => {
      const [opens, other] = [opensPeer(peer), otherOf(peer)];
      return {
        id: `${peer.kind} ${peer.words}`,
        ...(opens ? {opens} : {}),
        ...(other ? {other} : {}),
        evidence: peer.evidence,
      };
    },
    empty,
  });
}

function peerName(peer: PeerRow): string {
  const note = noteOf(peer);
  const program = peer.kind === 'process' && peer.program ? ` ${peer.program}` : '';
  return `${[mark(peer.grade), peer.words].filter(part => part !== '').join(' ')}${program}${note}`;
}

function noteOf({kind, netns, translated, perhaps, asOf, addresses, grade, role}: PeerRow): string {
  if (role !== undefined) return ` (${role})`;
  if (kind === 'node' && netns === undefined) return ' (not read)';
  if (asOf !== undefined) return translated ? ' (NAT, stale)' : ' (stale)';
  if (translated && kind !== 'outside') return ' (NAT)';
  if (kind === 'unread') return ` (${perhapsText(perhaps)})`;
  if (kind === 'service') return ' (service)';
  if (kind !== 'outside') return '';
  const many = addresses.length > 1 ? `${addresses.length} addresses, ` : '';
  return grade === 'unknown' ? ` (${many}NAT or outside)` : ` (${many}outside)`;
}

const SHOWN = 3;

function portsText(peer: PeerRow): string {
  const more = peer.ports.length > SHOWN ? ` +${peer.ports.length - SHOWN}` : '';
  return `${peer.ports.slice(0, SHOWN).join(' ')}${more}`;
}

function goneText(peer: PeerRow): string {
  return Object.entries(peer.gone)
    .map(([state, count]) => `${state} ${count}`)
    .join(' ');
}

/** With their names where DNS was asked. */
function addressesText({addresses, names}: PeerRow): string {
  return [...addresses, ...(names ?? []).map(name => `(${name})`)].join(' ');
}

function statesText(peer: PeerRow): string {
  return Object.entries(peer.states)
    .map(([state, count]) => `${state} ${count}`)
    .join(' ');
}

/** The only connection with it, as it sees it; else its own peers. */
function otherOf(peer: PeerRow): Question | undefined {
  if (peer.connection !== undefined) return {name: 'connection', words: [peer.connection]};
  if (peer.kind === 'unread' || peer.kind === 'outside') return undefined;
  return {name: 'peers', words: [peer.kind === 'service' ? `service/${peer.words}` : peer.words]};
}

/** A pod or process opens as such; a node or namespace as its own peers; an address as the only connection with it. */
function opensPeer(peer: PeerRow): Question | undefined {
  if (peer.kind === 'pod') return {name: 'pod', words: [peer.words]};
  if (peer.kind === 'process') return {name: 'process', words: [peer.words]};
  if (peer.kind === 'node' || peer.kind === 'netns') return {name: 'peers', words: [peer.words]};
  return otherOf(peer);
}
