import type {Skew} from '../facts/clock.ts';
import type {Gap} from '../facts/evidence.ts';
import type {GraphNode} from './graph.ts';

/** Clocks that differ by less are called the same: no person tells them apart, and a busy link blurs as much. */
const SAME = 3;

/** Seconds by which a clock is ahead (or, negative, behind), as far as that is certain; 0 where it may be right. */
function certain({low, high}: Skew): number {
  return low > 0 ? low : high < 0 ? high : 0;
}

/** How far a node's clock is off, to the second, where it surely is off by more than a moment. */
export function clockOff(skew: Skew | undefined): number | undefined {
  if (!skew || Math.abs(certain(skew)) <= SAME) return undefined;
  return Math.round((skew.low + skew.high) / 2);
}

/** `95 s ahead`, `2 h 03 min behind`. */
export function offText(off: number): string {
  const whole = Math.abs(off);
  const [days, hours, minutes] = [86_400, 3600, 60].map(unit => Math.floor(whole / unit)) as [
    number,
    number,
    number,
  ];
  const two = (n: number) => String(n).padStart(2, '0');
  const long =
    days > 1
      ? `${days} d`
      : hours > 0
        ? `${hours} h ${two(minutes % 60)} min`
        : minutes > 1
          ? `${minutes} min ${two(whole % 60)} s`
          : `${whole} s`;
  return `${long} ${off > 0 ? 'ahead' : 'behind'}`;
}

/**
 * Nodes whose clocks are off. Samples of several nodes are joined by this machine's clock, rates and ages counted from
 * each node's own uptime, so nothing else follows from it; but moments that nodes note themselves are off by as much.
 */
export function clockGaps(nodes: readonly GraphNode[]): Gap[] {
  const known = nodes.flatMap(node => (node.snapshot?.skew ? [{node, skew: node.snapshot.skew}] : []));
  const off = known.flatMap(({node, skew}) => {
    const by = clockOff(skew);
    return by === undefined ? [] : [{node, skew, by}];
  });
  // All off alike: then it is this machine's clock that is wrong.
  const own =
    off.length > 1 &&
    off.length === known.length &&
    Math.max(...off.map(({skew}) => skew.low)) <= Math.min(...off.map(({skew}) => skew.high)) + SAME;
  return off.map(({node, by}) => ({
    node: node.id,
    fact: 'clock',
    reason: own
      ? `${node.name}'s clock is ${offText(by)}${by > 0 ? ' of' : ''} this machine's, as are those of the other nodes: this machine's seems to be wrong.`
      : `${node.name}'s clock is ${offText(by)}${by > 0 ? ' of' : ''} this machine's: moments that it notes itself (when a process started) are by its clock. Samples are joined by this machine's clock, ages counted by the node's uptime.`,
  }));
}
