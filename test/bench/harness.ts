/** What benches share: rounds that alternate with the baseline, medians, and one table for all. */

/** One line of the table. `baseline` was measured in the same run; `ratio` is how many times less we need. */
export type Row = {
  readonly what: string;
  readonly unit: 'ms' | 's' | 'MB' | 'µs';
  readonly median: number;
  readonly low?: number;
  readonly high?: number;
  readonly baseline?: number;
  /** The most that it may be, in `unit`. */
  readonly most?: number;
  /** How many times less than the baseline it must at least be. */
  readonly ratio?: number;
};

export type Bench = {
  readonly name: string;
  readonly title: string;
  /** Why it cannot run here, in a sentence; undefined when it can. */
  missing?(): string | undefined;
  run(say: (note: string) => void): Promise<readonly Row[]>;
};

export type Sample = {readonly median: number; readonly low: number; readonly high: number};

/** Runs every contestant once for warming up and then `count` times in turn, so that noise hits all alike. */
export async function rounds<Name extends string>(
  count: number,
  contestants: Record<Name, () => Promise<number>>,
): Promise<Record<Name, Sample>> {
  const names = Object.keys(contestants) as Name[];
  const samples = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round <= count; round++) {
    for (const name of names) {
      const value = await contestants[name]();
      if (round > 0) samples[name].push(value);
    }
  }
  return Object.fromEntries(names.map(name => [name, summary(samples[name])])) as Record<Name, Sample>;
}

export function summary(values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return {median, low: sorted[0]!, high: sorted[sorted.length - 1]!};
}

/** Whether the row reaches what it must; undefined when nothing is asked of it. */
export function reached({median, most, baseline, ratio}: Row): boolean | undefined {
  if (most === undefined && ratio === undefined) return undefined;
  const small = most === undefined || median <= most;
  const better = ratio === undefined || (baseline !== undefined && baseline / median >= ratio);
  return small && better;
}

const HEAD = ['', 'median', 'range', 'baseline', 'ratio', 'goal', ''];

/** The rows as aligned text. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(row => {
    const {what, unit, median, low, high, baseline, most, ratio} = row;
    const met = reached(row);
    return [
      what,
      `${number(median)} ${unit}`,
      low === undefined || high === undefined ? '' : `${number(low)}–${number(high)}`,
      baseline === undefined ? '' : `${number(baseline)} ${unit}`,
      baseline === undefined ? '' : `${number(baseline / median)}×`,
      [most === undefined ? '' : `≤ ${most} ${unit}`, ratio === undefined ? '' : `≥ ${ratio}×`]
        .filter(Boolean)
        .join(', '),
      met === undefined ? '' : met ? 'reached' : 'MISSED',
    ];
  });
  const all = [HEAD, ...cells];
  const widths = HEAD.map((_, i) => Math.max(...all.map(row => row[i]!.length)));
  return all
    .map(row =>
      row
        .map((cell, i) => (i === 0 || i === 6 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
