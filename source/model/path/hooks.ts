import type {GraphNode, Namespace} from '../graph.ts';
import {hookBranches} from '../nat/evaluate.ts';
import {isLocal} from '../nat/match.ts';
import type {Branch, Step} from '../nat/packet.ts';
import {type NodeService, servicesOf} from '../services.ts';
import type {Clue} from './hop.ts';
import type {Packet} from './packet.ts';
import type {Hook, HookBranch, Hooks, Met} from './state.ts';

/** What the netfilter rules of a namespace do to the first packet of a connection. */
export const byRules: Hooks = (namespace, hook, packet, devices, connmark) => {
  const empty = hook === 'FORWARD' || hook === 'OUTPUT' ? withoutBackends(namespace, packet) : undefined;
  if (empty) return [{fate: empty.empty!, probability: 1, packet, ...emptyText(empty)}];
  const balanced = balancedBy(namespace, hook, packet);
  if (balanced) return [balanced];
  const {source = packet.family === 4 ? '0.0.0.0' : '::', ...rest} = packet;
  const {outer: _, ...met} = devices;
  const branches = hookBranches(namespace, hook, {...rest, source, ...met, connmark});
  if (branches === undefined) {
    // Only of a node's own namespace are they asked for at all. Of a pod's own nothing is read: most have none, and to
    // doubt every pod would make the grade say nothing. A proxy in it is the sign that its rules redirect.
    const proxy = namespace.pods.flatMap(pod => pod.processes).find(one => PROXIES.has(one.process.name));
    if (namespace.kind !== 'host' && proxy)
      return [
        {
          fate: 'on',
          probability: 1,
          packet,
          clues: [
            {
              by: 'translation',
              text: `${proxy.process.name} runs in it: rules of its own, which were not read, may redirect to that`,
              evidence: [],
            },
          ],
          why: 'its rules were not read',
          doubt: true as const,
        },
      ];
    const doubt = namespace.kind === 'host' && (hook === 'PREROUTING' || hook === 'OUTPUT');
    return [
      {
        fate: 'on',
        probability: 1,
        packet,
        clues: doubt
          ? [
              {
                by: 'translation',
                text: 'its netfilter rules were not read: what they translate is not known',
                evidence: [],
              },
            ]
          : [],
        why: 'its rules were not read',
        ...(doubt ? {doubt: true as const} : {}),
      },
    ];
  }
  return alike(branches.map(branch => branchOf(branch, packet)));
};

/**
 * A virtual server of IPVS takes what is for one of the node's own addresses (`ip_vs(8)` hooks into INPUT and OUTPUT;
 * kube-proxy gives the node the services' addresses for it). Which backend gets it is the scheduler's, and what is
 * masqueraded is in sets that were not read: it is not followed. Asked before rules translate, whose sets hide it else.
 */
function balancedBy(namespace: Namespace, hook: Hook, packet: Packet): HookBranch | undefined {
  const read = namespace.facts?.netfilter;
  if (!read || hook === 'FORWARD' || hook === 'POSTROUTING') return undefined;
  const server = read.value.servers.find(
    one =>
      one.protocol === packet.protocol &&
      one.address === packet.destination &&
      (one.port === packet.destinationPort || one.port === 0),
  );
  if (!server || !isLocal(namespace, packet.destination)) return undefined;
  const backends = server.backends.map(
    one => `${endText(one.address, one.port)} (${one.forward}, weight ${one.weight})`,
  );
  const evidence = [server, ...server.backends].map(({from, to}) => ({
    node: namespace.node.id,
    fact: 'netfilter',
    sweep: read.sweep,
    from,
    to,
  }));
  const [text, why] =
    backends.length === 0
      ? ['no backends', 'IPVS has no backend for it']
      : [
          backends.join(', '),
          `IPVS (${server.scheduler}) gives it to one of ${backends.join(', ')}, which is not followed`,
        ];
  const name = endText(server.address, server.port);
  const clues: Clue[] = [{by: 'translation', text: `IPVS ${server.protocol} ${name}: ${text}`, evidence}];
  return {fate: backends.length === 0 ? 'dropped' : 'unknown', probability: 1, packet, clues, why};
}

/** Sidecars that rules of a pod's own redirect to: Istio's and others' Envoy, and Linkerd's. */
const PROXIES: ReadonlySet<string> = new Set(['envoy', 'linkerd2-proxy']);

const known = new WeakMap<GraphNode, readonly NodeService[]>();

/** The service without backends that a packet calls: it is rejected or dropped, and named so. */
function withoutBackends({node, kind}: Namespace, packet: Packet): NodeService | undefined {
  if (kind !== 'host') return undefined;
  const services = known.get(node) ?? servicesOf(node) ?? [];
  known.set(node, services);
  return services.find(
    ({empty, address, port, protocol}) =>
      empty !== undefined &&
      address === packet.destination &&
      port === packet.destinationPort &&
      protocol === packet.protocol,
  );
}

function emptyText({name, address, port, evidence}: NodeService): Pick<HookBranch, 'clues' | 'why'> {
  const why = `${name ?? `${address}:${port}`} has no backends`;
  return {why, clues: [{by: 'translation', text: why, evidence}]};
}

function branchOf(
  {fate, probability, packet, translated, steps, why, doubts, unsure}: Branch,
  before: Packet,
): HookBranch {
  const {in: _, out: __, tracked: ___, source, connmark, ...rest} = packet;
  const tells = translated !== undefined || packet.mark !== before.mark || fate !== 'on';
  return {
    fate,
    probability,
    ...(connmark === undefined ? {} : {connmark}),
    packet: before.source === undefined && translated !== 'source' ? rest : {...rest, source},
    clues: [
      ...(tells ? [...steps.map(clueOf), ...rewritten(before, packet, steps.at(-1))] : []),
      ...unsure.map(
        ({text, evidence}): Clue => ({
          by: 'translation',
          text: `may not pass: ${text}`,
          evidence: [evidence],
        }),
      ),
    ],
    ...(unsure.length > 0 ? {doubt: true as const} : {}),
    why: translated === 'destination' && fate === 'on' ? backendText(packet) : [why, ...doubts].join('; '),
  };
}

function clueOf({table, chain, text, evidence}: Step): Clue {
  return {by: 'translation', text: `${table} ${chain}: ${text}`, evidence: [evidence]};
}

/** What became of the addresses, with the rule that did it. */
function rewritten(before: Packet, after: Packet, step: Step | undefined): Clue[] {
  const evidence = step ? [step.evidence] : [];
  const said: string[] = [];
  if (before.destination !== after.destination || before.destinationPort !== after.destinationPort)
    said.push(
      `destination ${endText(after.destination, after.destinationPort)} instead of ${endText(before.destination, before.destinationPort)}`,
    );
  if (before.source !== undefined && before.source !== after.source)
    said.push(`source ${after.source} instead of ${before.source}`);
  return said.map(text => ({by: 'translation', text, evidence}));
}

function endText(address: string, port: number | undefined): string {
  return port === undefined ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function backendText({
  destination,
  destinationPort,
}: {
  destination: string;
  destinationPort?: number;
}): string {
  return `backend ${endText(destination, destinationPort)}`;
}

/** What the rules do to a packet of a connection that is known: nothing is translated anew. */
export function remarked(
  namespace: Namespace,
  hook: Hook,
  packet: Packet,
  {outer: _, ...met}: Met,
  connmark: number,
): readonly HookBranch[] {
  const {source = packet.family === 4 ? '0.0.0.0' : '::', ...rest} = packet;
  const branches = hookBranches(namespace, hook, {...rest, source, ...met, connmark}, {established: true});
  if (!branches) return [{fate: 'on', probability: 1, packet, clues: [], why: 'established'}];
  return alike(
    branches.map(branch => {
      const known = branchOf(branch, packet);
      return known.fate === 'on' ? {...known, why: 'established'} : known;
    }),
  );
}

/** Branches that come to the same are one. */
function alike(branches: readonly HookBranch[]): readonly HookBranch[] {
  const found = new Map<string, HookBranch>();
  for (const branch of branches) {
    const key = JSON.stringify([
      branch.fate,
      branch.packet,
      branch.connmark,
      branch.doubt,
      branch.fate === 'on' ? '' : branch.why,
    ]);
    const same = found.get(key);
    found.set(key, same ? {...same, probability: same.probability + branch.probability} : branch);
  }
  return [...found.values()];
}
