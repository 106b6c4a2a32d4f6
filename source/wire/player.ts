import {RecordingError} from './recording/format.ts';
import {lastAtOrBefore, type Recording} from './recording/reader.ts';
import {eventsOf, type NodeWorld} from './recording/world.ts';
import type {NodeEvent, Read, Reply, Source, SourceEvent} from './source.ts';

export const slowest = 0.25;
export const fastest = 16;
/** While playing, events that follow one another more closely than this (of real time) come in one frame. */
const frameMs = 50;

/** Time as the player sees it; tests bring their own. `after` calls back once, and returns what cancels it. */
export type PlayerClock = {
  /** Milliseconds, never set back. */
  now(): number;
  after(ms: number, callback: () => void): () => void;
};

export const realClock: PlayerClock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * What the playhead brings. On `whole` everything known before is void and `events` build the whole state at `at`: that
 * of the round of sweeps before, and what followed it, so that two sweeps are there to take rates from.
 */
export type Frame = {readonly at: string; readonly whole: boolean; readonly events: readonly SourceEvent[]};

export type PlayerState = {
  readonly from: string;
  readonly to: string;
  /** The playhead. */
  readonly at: string;
  readonly speed: number;
  readonly playing: boolean;
  readonly events: readonly {readonly at: string; readonly text: string}[];
};

/**
 * A recording with a playhead. As a `Source` it answers reads with the replies that stand at the playhead, matched by
 * (node, fact, namespace) and never by command; a fact that the recording lacks does not come.
 *
 * For a session that follows the playhead: `for (;;) apply(await player.next(signal))`. The first frame is whole.
 */
export type Player = Source & {
  /**
   * The next frame: at once after a seek or a step, when something is due while playing, and one without events when
   * the end has been reached and the player has paused. Undefined when aborted or closed. One caller at a time.
   */
  next(signal: AbortSignal): Promise<Frame | undefined>;
  /** Moves the playhead and gives the whole state there, which `next` then does not repeat. */
  jump(at: string): Frame;
  /** Moves the playhead; the whole state comes with `next`. Clamped to the recording. Throws on what is no time. */
  seek(at: string): void;
  /** Pauses, and moves by so many rounds of sweeps, back when negative. */
  step(by: number): void;
  /** At the end it begins again, with the first round of sweeps. */
  play(): void;
  pause(): void;
  /** Clamped to what `slowest` and `fastest` allow. */
  setSpeed(speed: number): void;
  state(): PlayerState;
};

/** `at` is where the playhead stands at first: the first complete round of sweeps when not given. It is paused. */
export function createPlayer(
  recording: Recording,
  clock: PlayerClock = realClock,
  at: string = recording.rounds[0] ?? recording.from,
): Player {
  const from = Date.parse(recording.from);
  const to = Date.parse(recording.to);
  const rounds = recording.rounds.map(Date.parse);
  const eventTimes = recording.events.map(event => Date.parse(event.at));
  const within = (time: number) => Math.min(to, Math.max(from, time));
  /** Up to here everything has been given out, unless `whole`. */
  let given = within(timeOf(at));
  let whole = true;
  let playing = false;
  let speed = 1;
  /** Where and when playing at this speed began. */
  let anchor = {time: given, clock: clock.now()};
  let closed = false;
  const waiting = new Set<() => void>();

  const position = () => (playing ? within(anchor.time + (clock.now() - anchor.clock) * speed) : anchor.time);
  const anchorAt = (time: number) => {
    anchor = {time, clock: clock.now()};
    for (const wake of waiting) wake();
  };
  const pause = () => {
    const time = position();
    playing = false;
    anchorAt(time);
  };
  const move = (time: number) => {
    given = within(time);
    whole = true;
    anchorAt(given);
  };
  const jump = (): Frame => {
    const time = whole ? given : position();
    given = Math.floor(time);
    whole = false;
    const before = rounds[lastAtOrBefore(rounds, given) - 1] ?? from - 1;
    const events = [...eventsOf(recording.read(iso(before))), ...recording.between(iso(before), iso(given))];
    return {at: iso(given), whole: true, events};
  };
  const due = (): Frame | undefined => {
    if (whole) return jump();
    const time = Math.floor(position());
    const events = time > given ? recording.between(iso(given), iso(time)) : [];
    given = Math.max(given, time);
    if (events.length === 0) {
      if (!playing || time < to) return undefined;
      pause();
    }
    return {at: iso(given), whole: false, events};
  };
  /** Resolves when the playhead was moved, or at the latest when, playing, it gets to `following`. */
  const wait = (following: number, signal: AbortSignal) =>
    new Promise<void>(resolve => {
      // A signal that is aborted already tells nobody.
      if (signal.aborted) return resolve();
      const ms = Math.max(frameMs, Math.ceil((following - position()) / speed));
      const cancel = playing ? clock.after(ms, () => wake()) : undefined;
      const wake = () => {
        waiting.delete(wake);
        cancel?.();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  const reachOf = (node: string, known: NodeWorld | undefined): NodeEvent => {
    if (known?.event !== undefined) return known.event;
    // Recording began when the node had long been reached.
    if (known?.swept !== undefined) return {node, at: known.swept.at, state: 'ready'};
    const at = iso(Math.floor(position()));
    return {node, at, state: 'lost', cause: `The recording has nothing of ${node} by ${at}. Play on.`};
  };

  return {
    nodes: recording.nodes,
    async *sweep(reads, signal) {
      for (const node of new Set(reads.map(read => read.node))) {
        if (signal.aborted || closed) return;
        const known = recording.read(iso(Math.floor(position()))).get(node);
        if (known === undefined) continue;
        const asked = reads.filter(read => read.node === node);
        for (const reply of known.replies.values())
          if (asked.some(read => answers(reply, read))) yield {type: 'reply', ...reply};
        if (known.swept !== undefined) yield {type: 'swept', ...known.swept};
      }
    },
    async *events(signal) {
      const told = new Map<string, string>();
      while (!signal.aborted && !closed) {
        const time = Math.floor(position());
        const world = recording.read(iso(time));
        for (const node of recording.nodes) {
          const event = reachOf(node, world.get(node));
          const {state, step, cause} = event;
          const text = JSON.stringify([state, step, state === 'lost' && world.has(node) ? cause : undefined]);
          if (told.get(node) === text) continue;
          told.set(node, text);
          yield {type: 'node', ...event};
        }
        await wait(eventTimes[lastAtOrBefore(eventTimes, time) + 1] ?? to, signal);
      }
    },
    next: async signal => {
      for (;;) {
        if (signal.aborted || closed) return undefined;
        const frame = due();
        if (frame !== undefined) return frame;
        await wait(timeOf(recording.next(iso(given)) ?? recording.to), signal);
      }
    },
    jump: moment => {
      move(timeOf(moment));
      return jump();
    },
    seek: moment => move(timeOf(moment)),
    step: by => {
      if (by === 0 || rounds.length === 0) return pause();
      pause();
      const time = anchor.time;
      const before = lastAtOrBefore(rounds, time);
      // Between two rounds, one step back is the start of the way here: the round before.
      const target = by > 0 || rounds[before] === time ? before + by : before + by + 1;
      const round = rounds[Math.min(rounds.length - 1, Math.max(0, target))] ?? time;
      // The next round is what follows, and costs only that; any other is another state.
      if (by === 1 && round >= time) anchorAt(round);
      else move(round);
    },
    play: () => {
      if (playing) return;
      if (anchor.time >= to) move(rounds[0] ?? from);
      playing = true;
      anchorAt(anchor.time);
    },
    pause,
    setSpeed: value => {
      if (Number.isNaN(value)) return;
      const time = position();
      speed = Math.min(fastest, Math.max(slowest, value));
      anchorAt(time);
    },
    state: () => ({
      from: recording.from,
      to: recording.to,
      at: iso(Math.floor(position())),
      speed,
      playing: playing && position() < to,
      events: recording.events,
    }),
    close: async () => {
      if (closed) return;
      closed = true;
      for (const wake of waiting) wake();
      recording.close();
    },
  };
}

function answers(reply: Reply, read: Read): boolean {
  if (reply.fact !== read.reader.fact) return false;
  if (read.scope === 'node') return reply.netns === undefined;
  if (reply.netns === undefined) return false;
  return read.scope === 'each-netns' || read.scope.netns.includes(reply.netns);
}

function timeOf(at: string): number {
  const time = Date.parse(at);
  if (Number.isNaN(time))
    throw new RecordingError(`"${at}" is not a time. Give one like 2026-01-31T12:00:00Z.`);
  return time;
}

const iso = (time: number) => new Date(time).toISOString();
