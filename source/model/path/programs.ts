import type {GraphNode} from '../graph.ts';
import {type Clue, type Hop, linkClue, type Way, worst} from './hop.ts';

/**
 * BPF programs decide before the kernel's tables do, and what they decide by was not read: hops over an interface with
 * an XDP program, and those on a node whose pinned maps hold services, are inferred at best.
 */
export function doubted(way: Way): Way {
  const said = new Set<GraphNode>();
  const hops = way.hops.map((hop): Hop => {
    const clues: Clue[] = [];
    if (hop.iface?.link.xdp)
      clues.push(
        linkClue(hop.iface, 'link', `${hop.iface.link.name} has an XDP program, which may decide first`),
      );
    const maps = hop.node ? mapsOf(hop.node) : [];
    if (hop.node && maps.length > 0 && !said.has(hop.node)) clues.push(mapsClue(hop.node, maps));
    if (clues.length === 0 && maps.length === 0) return hop;
    if (hop.node) said.add(hop.node);
    return {...hop, clues: [...hop.clues, ...clues], grade: worst(hop.grade, 'inferred')};
  });
  const doubtful = {...way, hops};
  return way.outcome === 'left' && way.translations.length === 0 ? perhapsTranslated(doubtful) : doubtful;
}

/** It leaves for an address that nobody read has, and no rule translated it: a program may have, on the way. */
function perhapsTranslated(way: Way): Way {
  const node = way.hops.flatMap(hop => (hop.node && mapsOf(hop.node).length > 0 ? [hop.node] : []))[0];
  const last = way.hops.at(-1);
  if (!node || !last) return way;
  const hop: Hop = {
    ...last,
    status: 'unknown',
    grade: 'unknown',
    say: `${last.say}; if ${way.packet.destination} is a service, BPF on ${node.name} translates it, and its maps were not read`,
    reveal: `Read the services that the agent on ${node.name} keeps: bpftool map dump pinned, or the agent's own tool (cilium-dbg service list).`,
  };
  return {...way, outcome: 'unknown', hops: [...way.hops.slice(0, -1), hop]};
}

function mapsOf({host}: GraphNode): readonly string[] {
  return host?.facts?.netfilter?.value.bpf ?? [];
}

/** The names of pins are no rows of what was read: they are named, and have no place to point at. */
function mapsClue({name}: GraphNode, maps: readonly string[]): Clue {
  const text = `BPF maps of services are pinned on ${name} (${maps.slice(0, 3).join(', ')}): programs may decide first`;
  return {by: 'link', text, evidence: []};
}
