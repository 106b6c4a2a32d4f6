/**
 * The other end of the thread: sources, parsing, building, querying. The UI starts this file as a worker and talks to
 * it through `bridge.ts`.
 */
import {parentPort, workerData} from 'node:worker_threads';
import {serve} from './bridge.ts';
import {openDrive, type Start} from './drive.ts';
import {createEngine, type Engine} from './engine.ts';
import {isSentence} from './options.ts';
import {createPrompter} from './wire/prompter.ts';

/** Opens what `start` names. Rejects with a sentence in an `Error` that `isSentence` knows. */
async function openEngine(start: Start): Promise<Engine> {
  const asking = createPrompter();
  let engine: Engine | undefined;
  const drive = await openDrive(start, asking, () => engine?.changed());
  engine = createEngine(drive, {watch: asking.prompts, answer: asking.answer});
  return engine;
}

const port = parentPort!;
try {
  const engine = await openEngine(workerData as Start);
  port.postMessage({});
  serve(port, engine);
} catch (error) {
  // A mistake of the person who typed is said by the front door; anything else is a fault and ends the worker.
  if (!isSentence(error)) throw error;
  port.postMessage({wrong: error.message});
}
