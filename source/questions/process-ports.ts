import * as v from 'valibot';
import {HEALTH_PORT} from '../cni/cilium-health.ts';
import {purposeOf} from '../cni/purposes.ts';
import type {Proc} from '../model/graph.ts';
import {isLoopbackText} from '../model/words.ts';
import {count, Evidence, flag, Grade, list, maybe, text} from './schema.ts';
import {type SocketList, socketAt} from './socket-rows.ts';
import {isListening} from './socket-select.ts';

/** One port that a process listens on, and what it is for. */
export const ProcessPort = v.object({
  protocol: v.picklist(['tcp', 'udp']),
  port: count('The port.'),
  addresses: v.pipe(
    list(v.string()),
    v.description('What it is bound to; none where only a command line tells.'),
  ),
  loopback: flag('It is bound to loopback only.'),
  purpose: maybe.text('Key of what it is for, as `hoptop mesh` takes it.'),
  about: maybe.text('What it is for, as a sentence goes on after "it is".'),
  probe: maybe.text('Who asks there, when that is always the node itself.'),
  grade: v.optional(Grade),
  why: text('How that is known, or why it is not.'),
  source: maybe.text('Where what the port is for is written.'),
  evidence: list(Evidence),
});
export type ProcessPort = v.InferOutput<typeof ProcessPort>;

type Bound = Pick<ProcessPort, 'protocol' | 'port'> & {
  readonly addresses: Set<string>;
  readonly host: boolean;
  readonly evidence: ProcessPort['evidence'][number][];
};

/** The ports that a process listens on among the sockets it holds, lowest first. */
export function portsOf(proc: Proc, sockets: SocketList): ProcessPort[] {
  const bound = new Map<string, Bound>();
  for (let i = 0; i < sockets.count; i += 1) {
    const table = sockets.world.nodes[sockets.node[i]!]!.table!;
    const row = sockets.row[i]!;
    if (!isListening(table.state[row]!) || table.remotePort[row] !== 0 || table.localPort[row] === 0)
      continue;
    const {protocol, localPort: port, local, place, evidence} = socketAt(sockets, i);
    const key = `${protocol}/${port}`;
    const one = bound.get(key) ?? {
      protocol,
      port,
      addresses: new Set(),
      host: place === 'host',
      evidence: [],
    };
    bound.set(key, one);
    one.addresses.add(local);
    one.evidence.push(...evidence);
  }
  const told = bound.size === 0 ? said(proc) : [];
  return [...bound.values(), ...told].map(one => portRow(proc, one)).sort((a, b) => a.port - b.port);
}

/** Where no socket of it was seen (its namespace was not read, or only some were pasted), its command line may tell. */
function said({node, process}: Proc): Bound[] {
  const port = Number(/--listen[ =](?:\S*:)?(\d+)\b/.exec(process.command)?.[1]);
  if (port !== HEALTH_PORT) return [];
  const sweep = node.snapshot?.processes?.sweep ?? 0;
  const {from, to} = process;
  const evidence = [{node: node.id, fact: 'processes', sweep, from, to}];
  return [{protocol: 'tcp', port, addresses: new Set(), host: false, evidence}];
}

function portRow({process}: Proc, {protocol, port, addresses, host, evidence}: Bound): ProcessPort {
  const at = port !== HEALTH_PORT ? undefined : host ? 'node' : 'endpoint';
  const purpose = purposeOf({protocol, port, at, program: process.name});
  const seen = addresses.size > 0;
  return {
    protocol,
    port,
    addresses: [...addresses],
    loopback: seen && [...addresses].every(isLoopbackText),
    purpose: purpose?.fact.key,
    about: purpose?.fact.purpose,
    probe: purpose?.fact.probe,
    grade: purpose?.grade,
    why: !seen
      ? `no socket of it was seen: its command line says so`
      : (purpose?.why ?? `not known: ${protocol}/${port} is no default of ${process.name} that hoptop knows`),
    source: purpose?.fact.source,
    evidence,
  };
}
