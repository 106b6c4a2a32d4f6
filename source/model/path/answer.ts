import {remarked} from './hooks.ts';
import type {Translation} from './hop.ts';
import type {Packet} from './packet.ts';
import type {Hooks} from './state.ts';

/**
 * What a namespace does to the answers of what it translated (conntrack): the destination back before routing, the
 * source back after it. Rules that translate are not asked again; filters are, of an established connection.
 */
export function undoing(undo: readonly Translation[]): Hooks {
  return (namespace, hook, packet, devices, connmark) => {
    const mine = undo.filter(one => one.namespace === namespace).reverse();
    let result = packet;
    const clues = mine.flatMap(({before, after}) => {
      const changed =
        hook === 'PREROUTING' || hook === 'OUTPUT'
          ? withDestination(result, before, after)
          : hook === 'POSTROUTING' || hook === 'INPUT'
            ? withSource(result, before, after)
            : undefined;
      if (!changed) return [];
      const text = `${after.source ?? '?'} → ${after.destination} was ${before.source ?? '?'} → ${before.destination}: translated back`;
      result = changed;
      return [{by: 'translation' as const, text, evidence: []}];
    });
    // Of a tunnel over UDP each direction is a connection of its own: the port it comes from is of what is inside.
    const tracked =
      devices.outer && packet.protocol === 'udp'
        ? ['NEW']
        : ['ESTABLISHED', ...(devices.outer ? [] : mine.flatMap(translatedAs))];
    return remarked(namespace, hook, result, {...devices, tracked}, connmark).map(marked => ({
      ...marked,
      clues: [...clues, ...marked.clues],
    }));
  };
}

/** What conntrack keeps of a connection that was translated so (`--ctstate`). */
export function translatedAs({before, after}: Translation): string[] {
  return [
    ...(before.destination !== after.destination || before.destinationPort !== after.destinationPort
      ? ['DNAT']
      : []),
    ...(before.source !== undefined && before.source !== after.source ? ['SNAT'] : []),
  ];
}

/** The answer goes to where the call came from before its source was rewritten. */
function withDestination(answer: Packet, before: Packet, after: Packet): Packet | undefined {
  if (after.source === before.source || before.source === undefined) return undefined;
  if (answer.destination !== after.source || answer.source !== after.destination) return undefined;
  return {
    ...answer,
    destination: before.source,
    ...(before.sourcePort === undefined ? {} : {destinationPort: before.sourcePort}),
  };
}

/** The answer comes from whom was called before the destination was rewritten. */
function withSource(answer: Packet, before: Packet, after: Packet): Packet | undefined {
  if (after.destination === before.destination && after.destinationPort === before.destinationPort)
    return undefined;
  if (answer.source !== after.destination || answer.sourcePort !== after.destinationPort) return undefined;
  return {
    ...answer,
    source: before.destination,
    ...(before.destinationPort === undefined ? {} : {sourcePort: before.destinationPort}),
  };
}
