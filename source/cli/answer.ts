import type {Start} from '../drive.ts';
import type {Engine} from '../engine.ts';
import {EXIT} from '../exit.ts';
import {safeJson, sanitise} from '../facts/text.ts';
import type {Answer} from '../questions/answer.ts';
import {FIRST_SCREEN, type Question} from '../questions/question.ts';
import type {NodeStatus, Status} from '../session.ts';
import {openSource} from '../sources.ts';
import {FIRST_STEP} from '../wire/node.ts';
import {headless} from '../wire/prompter.ts';
import {IN_FLIGHT} from '../wire/remote.ts';
import {CLUSTER, type Source} from '../wire/source.ts';

/**
 * Reads once, answers once, and says by the exit status how much of the cluster the answer rests on. Nodes take their
 * time to answer, so everything is loaded in the order in which it is needed: what dials, what asks, what answers.
 * `asked` is a question as words, or nothing for the first screen's.
 */
export async function answerOnce(
  start: Start,
  asked: {readonly command: string; readonly words: readonly string[]} | undefined,
  format: 'text' | 'json',
  reverse = false,
): Promise<number> {
  const source = start.origin.kind === 'recording' ? undefined : await openSource(start, headless);
  if (source) await underWay(source);
  let engine: Engine | undefined;
  const {openDrive} = await import('../drive.ts');
  const drive = await openDrive({...start, play: false}, headless, () => engine?.changed(), source);
  try {
    const {createEngine, readQuestion, toJson, toView, viewText} = await import('./answering.ts');
    const question = asked ? readQuestion(asked.command, asked.words) : FIRST_SCREEN;
    const asks = createEngine(drive, {watch: () => () => {}, answer: () => {}});
    engine = asks;
    const textOf = (answer: Answer) =>
      format === 'json' ? jsonText(asks, toJson(answer)) : viewText(toView(answer));
    rehearse(engine, question, textOf);
    await drive.settled;
    await engine.prepare(question, sentence => process.stderr.write(`hoptop: ${sanitise(sentence)}\n`));
    const {nodes, api, notice} = statusOf(engine);
    const said = engine.ask(question);
    const outcome =
      reverse && 'answer' in said
        ? {answer: await (await import('./reverse.ts')).withNames(said.answer)}
        : said;
    const code =
      'missing' in outcome && outcome.wrong ? EXIT.usage : exitFor(nodes, api, 'missing' in outcome);
    // Nothing was read at all: "there is no such pod" would be a claim without ground.
    if ('answer' in outcome && code !== EXIT.none) {
      await write(textOf(outcome.answer));
    } else if ('missing' in outcome && code !== EXIT.none) {
      const near = outcome.suggestions.length > 0 ? ` Near: ${outcome.suggestions.join(', ')}.` : '';
      process.stderr.write(`hoptop: ${sanitise(outcome.missing)}${sanitise(near)}\n`);
    } else if (format === 'json' && 'answer' in outcome) {
      await write(textOf(outcome.answer));
    }
    // A recording that is cut answers as far as it goes, and says so.
    if (notice) process.stderr.write(`hoptop: ${sanitise(notice)}\n`);
    for (const node of [...nodes, ...(api ? [api] : [])]) {
      if (node.warning) process.stderr.write(`hoptop: ${sanitise(node.warning)}\n`);
      if (node.sweep === 0) process.stderr.write(`hoptop: ${sanitise(unreadable(node))}\n`);
    }
    return code;
  } finally {
    // The program ends with the answer: links end with it, and a node's shell by itself.
    void drive.close();
  }
}

/** An answer, and by what its evidence was read. */
function jsonText(engine: Engine, answer: object): string {
  return `${safeJson(JSON.stringify({...answer, readBy: engine.readBy(answer)}, null, 2))}\n`;
}

/**
 * Listening for events is what starts a source. Resolves when every node was seen to take its first step, or waits for
 * its turn, so that what is loaded next does not hold up the dialling.
 */
async function underWay(source: Source): Promise<void> {
  const waiting = new Set(source.nodes);
  const stop = new AbortController();
  for await (const {node, state, step} of source.events(stop.signal)) {
    if (state !== 'dialling' || (step !== undefined && step !== FIRST_STEP)) waiting.delete(node);
    if (waiting.size === 0 || waiting.size <= source.nodes.length - IN_FLIGHT) break;
  }
  stop.abort();
}

/**
 * Answers once of what the first node said, while others are awaited, and throws it away: what runs for the first time
 * has to be compiled, which would else be waited for at the end.
 */
function rehearse(engine: Engine, question: Question, textOf: (answer: Answer) => string): void {
  let done = false;
  engine.status(({nodes}) => {
    if (done || nodes.every(({sweep}) => sweep === 0)) return;
    done = true;
    try {
      const said = engine.ask(question);
      if ('answer' in said) textOf(said.answer);
    } catch {
      // If it is so with all nodes too, it is told then.
    }
  });
}

/** What is shown of a node that is lost is what it was: that is not a whole answer either. */
function exitFor(nodes: readonly NodeStatus[], api: NodeStatus | undefined, missing: boolean): number {
  const all = api ? [...nodes, api] : nodes;
  const partly = all.some(({sweep, state}) => sweep === 0 || state === 'lost' || state === 'dialling');
  if (all.every(({sweep}) => sweep === 0)) return EXIT.none;
  if (missing) return EXIT.missing;
  return partly ? EXIT.some : EXIT.answered;
}

function unreadable({id: own, name, cause, state}: NodeStatus): string {
  const id = own === CLUSTER ? `The ${name}` : own;
  const reached = state === 'ready' || state === 'back';
  const far = reached ? 'it was reached, and no sweep of it is complete' : `it is still ${state}`;
  return `${id} could not be read: ${cause ?? far}.`.replace(/([.?])\.$/, '$1');
}

function statusOf(engine: {status(show: (status: Status) => void): () => void}): Status {
  let now: Status | undefined;
  engine.status(status => {
    now = status;
  })();
  return now!;
}

function write(text: string): Promise<void> {
  return new Promise(resolve => process.stdout.write(text, () => resolve()));
}
