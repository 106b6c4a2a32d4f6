/**
 * What can be known of a block without decompressing it: which sweeps ended in it, and when nodes were lost and came
 * back. Each block carries its own; the index at the end of a closed file repeats them all.
 */
import {PASTED_STEP} from '../source.ts';
import type {BlockHeader} from './format.ts';
import {parseJson} from './format.ts';
import type {Entry} from './records.ts';

/** A sweep of a node that was completed at `time` (milliseconds since 1970, on the recording's time line). */
export type SummaryMoment = {readonly time: number; readonly node: string; readonly sweep: number};
export type SummaryEvent = {
  readonly time: number;
  readonly node: string;
  readonly state: 'ready' | 'lost' | 'back';
  readonly cause?: string;
};
export type Summary = {readonly moments: SummaryMoment[]; readonly events: SummaryEvent[]};

/** A block and where it is; `size` covers header, summary and payload. */
export type IndexedBlock = Pick<BlockHeader, 'kind' | 'raw' | 'from' | 'to'> & {
  readonly offset: number;
  readonly size: number;
  readonly summary: Summary;
};

export function summarise(summary: Summary, {time, event}: Entry): void {
  const {node} = event;
  if (event.type === 'swept') summary.moments.push({time, node, sweep: event.swept});
  // A node that is known from a paste was never reached: nothing happened to it.
  if (event.type !== 'node' || event.state === 'dialling' || event.step === PASTED_STEP) return;
  const cause = event.cause === undefined ? {} : {cause: event.cause};
  summary.events.push({time, node, state: event.state, ...cause});
}

/** Arrays instead of objects, and times as differences from the one before: a summary is not compressed. */
function pack(summary: Summary): unknown {
  let last = 0;
  const since = (time: number) => {
    const step = time - last;
    last = time;
    return step;
  };
  const moments = summary.moments.map(({time, node, sweep}) => [since(time), node, sweep]);
  const events = summary.events.map(({time, node, state, cause}) => [
    since(time),
    node,
    state,
    cause ?? null,
  ]);
  return moments.length + events.length === 0 ? [] : [moments, events];
}

function unpack(value: unknown): Summary | undefined {
  if (!Array.isArray(value)) return undefined;
  const [moments = [], events = []] = value as unknown[];
  if (!Array.isArray(moments) || !Array.isArray(events)) return undefined;
  const summary: Summary = {moments: [], events: []};
  let time = 0;
  for (const [step, node, sweep] of moments.filter(Array.isArray) as unknown[][]) {
    if (typeof step !== 'number' || typeof node !== 'string' || typeof sweep !== 'number') return undefined;
    time += step;
    summary.moments.push({time, node, sweep});
  }
  for (const [step, node, state, cause] of events.filter(Array.isArray) as unknown[][]) {
    if (typeof step !== 'number' || typeof node !== 'string') return undefined;
    if (state !== 'ready' && state !== 'lost' && state !== 'back') return undefined;
    time += step;
    summary.events.push({time, node, state, ...(typeof cause === 'string' ? {cause} : {})});
  }
  return summary;
}

export const encodeSummary = (summary: Summary) => Buffer.from(JSON.stringify(pack(summary)));
export const decodeSummary = (bytes: Buffer) => unpack(parseJson(bytes));

export function encodeIndex(blocks: readonly IndexedBlock[]): Buffer {
  const rows = blocks.map(({offset, size, kind, raw, from, to, summary}) => [
    ...[offset, size, kind === 'key' ? 0 : 1, raw, from, to],
    pack(summary),
  ]);
  return Buffer.from(JSON.stringify(rows));
}

/** Undefined when it does not describe blocks that follow one another from `start` to `end`. */
export function decodeIndex(bytes: Buffer, start: number, end: number): IndexedBlock[] | undefined {
  const rows = parseJson(bytes);
  if (!Array.isArray(rows)) return undefined;
  const blocks: IndexedBlock[] = [];
  let next = start;
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row)) return undefined;
    const numbers = row.slice(0, 6) as unknown[];
    if (!numbers.every(value => Number.isSafeInteger(value) && (value as number) >= 0)) return undefined;
    const [offset = 0, size = 0, kind, raw = 0, from = 0, to = 0] = numbers as number[];
    const summary = unpack(row[6]);
    if (summary === undefined || offset !== next || size === 0) return undefined;
    blocks.push({offset, size, kind: kind === 0 ? 'key' : 'next', raw, from, to, summary});
    next = offset + size;
  }
  return next === end ? blocks : undefined;
}
