import type {OtherEnd} from './socket-rows.ts';

/** Which end of a connection was not seen, as a sentence with its reason; undefined when both were. */
export function halfSeen(other: OtherEnd, remote: string): string | undefined {
  if (other.local !== undefined || other.join === 'none') return undefined;
  const address = other.far ?? remote;
  const where = [
    other.pod ?? (other.pods.length > 1 ? other.pods.join(' or ') : undefined),
    other.node && `on ${other.node}`,
  ]
    .filter(part => part !== undefined)
    .join(' ');
  const what =
    other.join === 'ambiguous' || other.join === 'shared'
      ? 'Which socket is the other end'
      : `The other end, ${address}${where === '' ? '' : ` (${where})`},`;
  return `${what} was not seen: ${other.why}.`;
}
