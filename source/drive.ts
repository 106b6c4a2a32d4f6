/**
 * What moves a world on: live sweeps or a playhead. Apart from the engine that answers questions about it, so that
 * nodes are read while the questions and views are still being loaded.
 */
import type {Origin} from './cli/targets.ts';
import {driveLive} from './live.ts';
import type {Flags} from './options.ts';
import type {Want} from './questions/want.ts';
import type {Act, PlayerStatus, Status} from './session.ts';
import {openSource} from './sources.ts';
import type {Prompter} from './wire/prompter.ts';
import type {Source} from './wire/source.ts';
import type {World} from './world.ts';

/** All that decides what is opened; crosses the thread as the worker's data. */
export type Start = {
  readonly origin: Origin;
  readonly every: number;
  readonly speed: number;
  readonly at?: string;
  /** A recording is played rather than asked about one moment. */
  readonly play: boolean;
  readonly loop: boolean;
  readonly flags: Flags;
};

export type Drive = {
  /** The world as it is now; another object after a jump in a recording. */
  world(): World;
  /** Every act that it understands; false for one that makes no sense here. */
  act(act: Act): boolean;
  readonly source: string;
  readonly every: number;
  now(): string;
  paused(): boolean;
  recording(): Status['recording'];
  player(): PlayerStatus | undefined;
  notice(): string | undefined;
  /**
   * Reads what a question wants, beyond what is always read; absent where nothing can be asked any more. `say` is told
   * before anything is sent.
   */
  fetch?(wants: readonly Want[], say: (sentence: string) => void): Promise<void>;
  close(): Promise<void>;
};

/** A drive that has begun, and when every node has been read once or could not be reached. */
export type Begun = Drive & {readonly settled: Promise<void>};

/** Opens what `start` names, or goes on with a live source that is `opened` already. `changed`: something moved. */
export async function openDrive(
  start: Start,
  prompter: Prompter,
  changed: () => void,
  opened?: Source,
): Promise<Begun> {
  const {origin} = start;
  if (origin.kind === 'recording') {
    const {driveReplay} = await import('./replay.ts');
    return driveReplay({...start, file: origin.file, changed});
  }
  const source = opened ?? (await openSource(start, prompter));
  const label = origin.kind === 'local' ? 'this machine' : 'ssh';
  return driveLive({
    source,
    label,
    every: start.every,
    changed,
    async record(file, failed) {
      const {newRecorder} = await import('./recorder.ts');
      return newRecorder(file, label, source.nodes, failed);
    },
  });
}
