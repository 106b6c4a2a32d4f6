import {closeSync, fstatSync, openSync} from 'node:fs';
import {CLUSTER, type SourceEvent} from '../source.ts';
import {readContents} from './contents.ts';
import {RecordingError} from './format.ts';
import {segmentCache, segmentsOf} from './segments.ts';
import {apply, copyOf, type World} from './world.ts';

/** A sweep of a node that was complete at `at`. */
export type Moment = {readonly at: string; readonly node: string; readonly sweep: number};
export type RecordedEvent = {readonly at: string; readonly node: string; readonly text: string};

/** An open recording. Times are ISO 8601 by the recording machine's clock. Reading is synchronous. */
export type Recording = {
  readonly file: string;
  readonly label: string;
  /** Version of the hoptop that recorded it, and when it began. */
  readonly hoptop: string;
  readonly created: string;
  readonly utcOffset: number;
  readonly nodes: readonly string[];
  /** First and last moment that can be played; both `created` when nothing was recorded. */
  readonly from: string;
  readonly to: string;
  /** What is missing at the end, as a sentence. */
  readonly cut?: string;
  /** Every completed sweep, by time. */
  readonly moments: readonly Moment[];
  /** The times one steps through: each round of sweeps, in which no node occurs twice, at its last sweep's end. */
  readonly rounds: readonly string[];
  /** Nodes reached, lost and back, by time. */
  readonly events: readonly RecordedEvent[];
  /** The state at a moment, of every node that had been heard of by then. A copy; the caller may change it. */
  read(at: string): World;
  /** What happened after `after` up to and with `upTo`, in order. */
  between(after: string, upTo: string): SourceEvent[];
  /** When the first thing after `after` happened. */
  next(after: string): string | undefined;
  /** Sentences on parts that turned out unreadable so far (a checksum is verified when its block is first needed). */
  damage(): readonly string[];
  close(): void;
};

/** Throws `RecordingError`. Reads the header and the index only; the rest when it is needed. */
export function openRecording(file: string): Recording {
  const fd = open(file);
  try {
    return over(fd, file);
  } catch (error) {
    closeSync(fd);
    if (error instanceof RecordingError) throw error;
    throw new RecordingError(`${file} cannot be read: ${text(error)}.`, {cause: error});
  }
}

function over(fd: number, file: string): Recording {
  const stat = fstatSync(fd);
  if (!stat.isFile())
    throw new RecordingError(`${file} is not a file. Recordings are files that usually end in .hop.`);
  const {metadata, blocks, cut} = readContents(fd, stat.size, file);
  const segments = segmentsOf(blocks);
  const starts = segments.map(segment => segment[0]?.from ?? 0);
  const cache = segmentCache(fd, segments);
  const damaged = new Map<number, string>();
  const segmentAt = (number: number) => {
    const segment = cache.get(number);
    const from = segment === undefined ? starts[number] : segment.brokenFrom;
    if (from !== undefined && !damaged.has(number))
      damaged.set(number, damage(from, starts[number + 1] ?? segments[number]?.at(-1)?.to ?? from));
    return segment;
  };
  const moments = blocks.flatMap(block => block.summary.moments);
  const events = blocks.flatMap(block => block.summary.events);
  const created = iso(Date.parse(metadata.created));
  const from = blocks[0] === undefined ? created : iso(blocks[0].from);
  const last = blocks.at(-1);
  return {
    file,
    ...metadata,
    created,
    nodes: [...new Set([...metadata.nodes, ...moments.map(moment => moment.node)])].filter(
      node => node !== CLUSTER,
    ),
    from,
    to: last === undefined ? created : iso(last.to),
    ...(cut === undefined ? {} : {cut}),
    moments: moments.map(({time, node, sweep}) => ({at: iso(time), node, sweep})),
    rounds: roundsOf(moments).map(iso),
    events: events.map(({time, node, state, cause}) => ({
      at: iso(time),
      node,
      text: said(node, state, cause),
    })),
    read: at => {
      const time = Date.parse(at);
      let number = lastAtOrBefore(starts, time);
      // A segment whose key block is damaged begins with nothing: what stood at the end of the one before is the last known.
      while (number >= 0 && segmentAt(number) === undefined) number--;
      const segment = segmentAt(number);
      if (segment === undefined) return new Map();
      const world = copyOf(segment.base);
      for (const entry of segment.entries) {
        if (entry.time > time) break;
        apply(world, entry.event, entry.gone);
      }
      return world;
    },
    between: (after, upTo) => {
      const [low, high] = [Date.parse(after), Date.parse(upTo)];
      const found: SourceEvent[] = [];
      for (let number = firstReaching(low); number < segments.length; number++) {
        if ((starts[number] ?? 0) > high) break;
        for (const {time, event} of segmentAt(number)?.entries ?? [])
          if (time > low && time <= high) found.push(event);
      }
      return found;
    },
    next: after => {
      const low = Date.parse(after);
      for (let number = firstReaching(low); number < segments.length; number++)
        for (const {time} of segmentAt(number)?.entries ?? []) if (time > low) return iso(time);
      return undefined;
    },
    damage: () => [...damaged.values()],
    close: () => closeSync(fd),
  };

  /** The segment in which the first entry after `time` can be. */
  function firstReaching(time: number): number {
    return Math.max(0, lastAtOrBefore(starts, time));
  }
}

/** Index of the last of the rising `times` that is not after `time`; -1 when all are. */
export function lastAtOrBefore(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function roundsOf(moments: readonly {readonly time: number; readonly node: string}[]): number[] {
  const rounds: number[] = [];
  let inRound = new Set<string>();
  let end: number | undefined;
  for (const {time, node} of moments) {
    if (inRound.has(node)) {
      if (end !== undefined && end !== rounds.at(-1)) rounds.push(end);
      inRound = new Set();
    }
    inRound.add(node);
    end = time;
  }
  if (end !== undefined && end !== rounds.at(-1)) rounds.push(end);
  return rounds;
}

function said(node: string, state: 'ready' | 'lost' | 'back', cause?: string): string {
  if (state === 'ready') return `${node} was reached`;
  if (state === 'back') return `${node} is back`;
  return cause === undefined ? `${node} was lost` : `${node} was lost: ${cause}`;
}

const damage = (from: number, to: number) =>
  `The recording is damaged: ${((to - from) / 1000).toFixed(1)} s from ${iso(from)} on cannot be read.`;

function iso(time: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime()))
    throw new RecordingError('The recording is damaged: it has a time that is none.');
  return date.toISOString();
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new RecordingError(`There is no file ${file}.`, {cause: error});
    if (code === 'EACCES') throw new RecordingError(`${file} may not be read by this user.`, {cause: error});
    throw new RecordingError(`${file} cannot be opened: ${text(error)}.`, {cause: error});
  }
}

const text = (error: unknown) => (error instanceof Error ? error.message : String(error));
