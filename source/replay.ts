/**
 * Drives a world from a recording: the same world, the same questions, at wherever the playhead stands. After a jump
 * the player brings the round of sweeps before it as well, so that rates are known there too.
 */
import type {Begun} from './drive.ts';
import {FACTS} from './facts/catalogue.ts';
import {CLUSTER_FACTS} from './facts/cluster.ts';
import {UsageError} from './options.ts';
import type {Act, PlayerStatus} from './session.ts';
import {createPlayer, type Frame} from './wire/player.ts';
import {openRecording, type Recording} from './wire/recording/reader.ts';
import {createWorld} from './world.ts';

export type ReplayOptions = {
  readonly file: string;
  /** ISO time, or `+SECONDS` from the beginning; the beginning when played, else the end. */
  readonly at?: string;
  readonly play: boolean;
  readonly loop: boolean;
  readonly speed: number;
  readonly changed: () => void;
};

/** Throws `RecordingError` for what is no recording, `UsageError` for a moment that is no time. */
export function driveReplay(options: ReplayOptions): Begun {
  const {file, play, loop, speed, changed} = options;
  const recording = openRecording(file);
  const begin = momentOf(recording, options.at) ?? (play ? undefined : recording.to);
  const player = createPlayer(recording, undefined, begin);
  const stop = new AbortController();
  let world = createWorld(recording.nodes, FACTS, recording.from, CLUSTER_FACTS);
  let first: () => void;
  const settled = new Promise<void>(resolve => {
    first = resolve;
  });
  player.setSpeed(speed);
  if (play) player.play();

  function show(frame: Frame): void {
    if (frame.whole) world = createWorld(recording.nodes, FACTS, recording.from, CLUSTER_FACTS);
    for (const event of frame.events) world.apply(event);
    changed();
  }

  async function follow(): Promise<void> {
    for (;;) {
      const frame = await player.next(stop.signal);
      if (!frame) return;
      show(frame);
      first();
      // At the end a demo begins again; a recording that is studied stays where it ended.
      const {at, to, playing} = player.state();
      if (loop && !playing && at >= to && frame.events.length === 0) player.play();
    }
  }

  // The clock in the header moves also while nothing happens in the recording.
  const ticking = setInterval(() => player.state().playing && changed(), 500);
  ticking.unref();
  void follow();

  const cut = recording.cut;
  return {
    settled,
    world: () => world,
    source: `${recording.label}, ${file.slice(file.lastIndexOf('/') + 1)}`,
    every: 0,
    now: () => player.state().at,
    paused: () => !player.state().playing,
    recording: () => undefined,
    notice: () => recording.damage()[0] ?? cut,
    player: (): PlayerStatus => player.state(),
    act(act: Act) {
      switch (act.do) {
        case 'play':
          if (act.playing) player.play();
          else player.pause();
          return true;
        case 'pause':
          if (act.paused) player.pause();
          else player.play();
          return true;
        case 'seek':
          player.seek(act.at);
          return true;
        case 'step':
          player.step(act.by);
          return true;
        case 'speed':
          player.setSpeed(act.speed);
          return true;
        default:
          return false;
      }
    },
    async close() {
      clearInterval(ticking);
      stop.abort();
      await player.close();
    },
  };
}

/** `+30` is thirty seconds from the beginning; anything else is a time of day with a date. */
function momentOf(recording: Recording, at: string | undefined): string | undefined {
  if (at === undefined) return undefined;
  const seconds = /^\+(\d+(?:\.\d+)?)s?$/.exec(at)?.[1];
  const time = seconds === undefined ? Date.parse(at) : Date.parse(recording.from) + Number(seconds) * 1000;
  if (Number.isNaN(time)) {
    throw new UsageError(`--at takes an ISO time, or +SECONDS from the beginning; this is "${at}".`);
  }
  if (time < Date.parse(recording.from) || time > Date.parse(recording.to)) {
    throw new UsageError(
      `--at ${at} is outside the recording, which is from ${recording.from} to ${recording.to}.`,
    );
  }
  return new Date(time).toISOString();
}
