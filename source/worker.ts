/**
 * The other end of the thread: sources, parsing, building, querying. Commands that print use `openEngine` in place;
 * the UI starts this file as a worker and talks to it through `bridge.ts`.
 */
import {isMainThread, parentPort, workerData} from 'node:worker_threads';
import {serve} from './bridge.ts';
import type {Origin} from './cli/targets.ts';
import {createEngine, type Drive, type Engine, type Prompts} from './engine.ts';
import {redact, redactText} from './facts/catalogue.ts';
import {driveLive} from './live.ts';
import {type Flags, isSentence} from './options.ts';
import {driveReplay} from './replay.ts';
import {openSource} from './sources.ts';
import {VERSION} from './version.ts';
import {createPrompter, headless, type Prompter} from './wire/prompter.ts';
import {createRecorder} from './wire/recorder.ts';
import type {Source} from './wire/source.ts';

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

export type Opened = {
  readonly engine: Engine;
  /** Every node has been read once or could not be reached. */
  readonly settled: Promise<void>;
};

/** Opens what `start` names. Rejects with a sentence in an `Error` that `isSentence` knows. */
export async function openEngine(
  start: Start,
  {interactive, source}: {readonly interactive: boolean; readonly source?: Source},
): Promise<Opened> {
  const asking = createPrompter();
  const prompts: Prompts = {watch: asking.prompts, answer: asking.answer};
  let engine: Engine | undefined;
  const changed = () => engine?.changed();
  const drive = await openDrive(start, interactive ? asking : headless, changed, source);
  engine = createEngine(drive, prompts);
  return {engine, settled: drive.settled};
}

async function openDrive(
  start: Start,
  prompter: Prompter,
  changed: () => void,
  opened?: Source,
): Promise<Drive & {readonly settled: Promise<void>}> {
  const {origin} = start;
  if (origin.kind === 'recording') return driveReplay({...start, file: origin.file, changed});
  const source = opened ?? (await openSource(start, prompter));
  const label = origin.kind === 'local' ? 'this machine' : 'ssh';
  return driveLive({
    source,
    label,
    every: start.every,
    changed,
    record: async (file, failed) => newRecorder(file, label, source.nodes, failed),
  });
}

/** A recorder that lets no secret through: the facts' own redactors stand before the file. */
export function newRecorder(
  file: string,
  label: string,
  nodes: readonly string[],
  failed: (why: string) => void,
) {
  return createRecorder(file, {redact, redactText, label, nodes, version: VERSION, clock: Date.now, failed});
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  try {
    const {engine} = await openEngine(workerData as Start, {interactive: true});
    port.postMessage({});
    serve(port, engine);
  } catch (error) {
    // A mistake of the person who typed is said by the front door; anything else is a fault and ends the worker.
    if (!isSentence(error)) throw error;
    port.postMessage({wrong: error.message});
  }
}
