import type {Table} from '../views/view.ts';
import type {Sort} from './items.ts';

/** The next column to sort by, then none again. Numbers start with the largest, since that is what one looks for. */
export function nextSort(table: Table, sort: Sort | undefined): Sort | undefined {
  const sortable = table.columns.filter(column => column.sortable);
  const next = sortable[sortable.findIndex(column => column.key === sort?.column) + 1];
  return next && {column: next.key, descending: next.align === 'right'};
}

/** Playing speeds, slowest first. */
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];

/** The next speed up (1) or down (-1); the last one stays. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const next =
    direction > 0
      ? SPEEDS.find(candidate => candidate > speed)
      : SPEEDS.findLast(candidate => candidate < speed);
  return next ?? speed;
}

/** A name for a new recording: `hoptop-20261105-120304.hop`. */
export function recordingName(now: string): string {
  const [day, time] = now
    .replace(/\..*$|Z$/, '')
    .replaceAll(/[-:]/g, '')
    .split('T');
  return `hoptop-${[day, time].filter(Boolean).join('-')}.hop`;
}
