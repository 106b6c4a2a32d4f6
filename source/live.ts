/**
 * Drives a world from live nodes: one loop for each node, so that a slow or lost one never holds up the others.
 * Each turn reads what is due, follows up at once what that reading showed to be needed, and waits.
 */

import type {Begun} from './drive.ts';
import {FACTS} from './facts/catalogue.ts';
import {CLUSTER_FACTS} from './facts/cluster.ts';
import type {Want} from './questions/want.ts';
import type {Act, Status} from './session.ts';
import {CLUSTER, type Read, type Source, type SourceEvent} from './wire/source.ts';
import {createWorld} from './world.ts';

/** What writes down all that passes; see `wire/recorder.ts`. */
export type Recording = {
  append(event: SourceEvent, reads?: readonly Read[]): void;
  bytes(): number;
  close(): Promise<void>;
};

export type LiveOptions = {
  readonly source: Source;
  /** For the header: `ssh`, `this machine`. */
  readonly label: string;
  /** Seconds from the start of one sweep to the start of the next. */
  readonly every: number;
  /** Starts a recording; throws an `Error` whose message is a sentence. */
  readonly record: (file: string, failed: (sentence: string) => void) => Promise<Recording>;
  readonly changed: () => void;
  /** A recording that is there from the first event on. */
  readonly recorder?: {readonly file: string; readonly recording: Recording};
};

/** More than any fact has readers. */
const FOLLOW_UPS = 6;

/** `settled` resolves when every node, and the API, has been read once, follow-ups included, or could not be reached. */
export function driveLive(options: LiveOptions): Begun {
  const {source, label, every, record, changed} = options;
  const now = () => new Date().toISOString();
  const world = createWorld(source.nodes, FACTS, now(), source.cluster ? CLUSTER_FACTS : []);
  // The API has a loop of its own, as each node has.
  const asked = source.cluster ? [...source.nodes, CLUSTER] : source.nodes;
  const stop = new AbortController();
  let paused = false;
  let hurry = new AbortController();
  let recorder: {file: string; since: string; recording: Recording} | undefined = options.recorder && {
    ...options.recorder,
    since: now(),
  };
  let notice: string | undefined;

  function apply(event: SourceEvent, reads?: readonly Read[]): void {
    world.apply(event);
    recorder?.recording.append(event, reads);
    if (event.type !== 'reply') changed();
  }

  async function sweep(reads: readonly Read[]): Promise<void> {
    if (reads.length === 0) return;
    for await (const event of source.sweep(reads, stop.signal)) apply(event, reads);
  }

  /** One turn: what is due, then at once what it showed to be needed. */
  async function turn(node: string): Promise<void> {
    await sweep(world.due(node));
    // Each shows at most what comes next: a reader that the node has, then what that found to be read.
    for (let left = FOLLOW_UPS; left > 0; left -= 1) {
      const more = world.followUps(node);
      if (more.length === 0) return;
      await sweep(more);
    }
  }

  async function live(node: string, first: () => void): Promise<void> {
    while (!stop.signal.aborted) {
      const began = performance.now();
      if (!paused) await turn(node).catch(fault => say(`Reading ${node} failed in hoptop itself: ${fault}`));
      first();
      await rest(every * 1000 - (performance.now() - began));
    }
  }

  /** Waits, unless a refresh is asked for or the session ends. */
  function rest(ms: number): Promise<void> {
    return new Promise(resolve => {
      const signal = AbortSignal.any([stop.signal, hurry.signal]);
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(20, ms));
      signal.addEventListener('abort', done);
    });
  }

  function say(sentence: string): void {
    notice = sentence;
    changed();
    setTimeout(() => {
      if (notice !== sentence) return;
      notice = undefined;
      changed();
    }, 5000).unref();
  }

  /** While counters are held against a probe, nothing else is read: the two samples stand right around it. */
  async function fetch(wants: readonly Want[], tell: (sentence: string) => void): Promise<void> {
    for (const {reads, say: sentence, counted} of wants) {
      if (reads.some(({node}) => !source.nodes.includes(node))) continue;
      if (sentence !== undefined) {
        tell(sentence);
        say(sentence);
      }
      const before = paused;
      const everything = () => Promise.all(source.nodes.map(node => sweep(world.due(node))));
      try {
        paused = before || counted === true;
        if (counted) await everything();
        await sweep(reads.map(world.suited));
        if (counted) await everything();
      } catch (fault) {
        say(`Asking the nodes failed in hoptop itself: ${fault}`);
      } finally {
        paused = before;
      }
    }
  }

  async function startRecording(file: string): Promise<void> {
    try {
      if (recorder) throw new Error(`Already recording to ${recorder.file}.`);
      const recording = await record(file, sentence => {
        if (recorder?.recording === recording) recorder = undefined;
        say(sentence);
      });
      recorder = {file, since: now(), recording};
      for (const {reach} of world.nodes) recording.append({type: 'node', ...reach});
      if (world.api) recording.append({type: 'node', ...world.api});
      // A recording that begins in the middle still needs the facts that are read seldom.
      world.forgetCadence();
      say(`Recording to ${file}.`);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  }

  async function stopRecording(): Promise<void> {
    const ended = recorder;
    if (!ended) return;
    recorder = undefined;
    await ended.recording.close();
    say(`Recorded ${ended.recording.bytes()} bytes to ${ended.file}.`);
  }

  function refresh(): void {
    hurry.abort();
    hurry = new AbortController();
  }

  // Ages and waits on screen grow also while nothing arrives.
  const ticking = setInterval(changed, 1000);
  ticking.unref();
  const loops = new Set<string>(asked);
  const settled = Promise.all(asked.map(node => new Promise<void>(first => void live(node, first))));
  void (async () => {
    for await (const event of source.events(stop.signal)) {
      apply(event);
      if (loops.has(event.node)) continue;
      // One that joined the cluster meanwhile.
      loops.add(event.node);
      void live(event.node, () => {});
    }
  })();

  return {
    settled: settled.then(() => undefined),
    world: () => world,
    source: label,
    every,
    now,
    paused: () => paused,
    player: () => undefined,
    notice: () => notice,
    recording(): Status['recording'] {
      return recorder && {file: recorder.file, since: recorder.since, bytes: recorder.recording.bytes()};
    },
    act(act: Act) {
      switch (act.do) {
        case 'refresh':
          source.redial?.();
          refresh();
          return true;
        case 'pause':
          paused = act.paused;
          if (!paused) refresh();
          return true;
        case 'record':
          void startRecording(act.file);
          return true;
        case 'stop-recording':
          void stopRecording();
          return true;
        default:
          return false;
      }
    },
    fetch,
    async close() {
      clearInterval(ticking);
      stop.abort();
      await recorder?.recording.close();
      await source.close();
    },
  };
}
