import {performance} from 'node:perf_hooks';
import {mutate, withGarbageLine} from './mutate.ts';
import {createRandom} from './random.ts';
import type {Target, Told} from './target.ts';

/** What is wrong with what came of a case, as a sentence; undefined when nothing is. */
export type Verdict = {readonly wrong?: string; readonly milliseconds: number};

/** Control characters but the line ends of the text itself, and what turns text around or is not seen. */
const UNSAFE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/u;
/** As many sentences about one answer as a person could still be told of. */
const MOST_GAPS = 300;

const PROTOTYPES = [
  Object.prototype,
  Array.prototype,
  String.prototype,
  Number.prototype,
  Function.prototype,
  Map.prototype,
];
const ownNames = () => PROTOTYPES.map(each => Reflect.ownKeys(each).length).join();
const clean = ownNames();

/** The bytes of a case: of every eighth only one line is garbage, so that whether it is missed can be told. */
export function caseOf(target: Target, seed: number): {out: Uint8Array; garbled?: Uint8Array} {
  const random = createRandom(seed);
  if (random.oneIn(8)) {
    const sample = random.pick(target.samples);
    const out = withGarbageLine(random, sample);
    if (out) return {out, garbled: sample};
  }
  return {out: mutate(random, target.samples)};
}

export async function judge(target: Target, seed: number): Promise<Verdict> {
  const {out, garbled} = caseOf(target, seed);
  const began = performance.now();
  const done = (wrong?: string): Verdict => ({
    milliseconds: performance.now() - began,
    ...(wrong === undefined ? {} : {wrong}),
  });
  let told: Told;
  try {
    told = await target.run(out);
  } catch (error) {
    if (ownNames() !== clean) return done('a prototype was changed');
    if (!(error instanceof Error)) return done(`something that is no error was thrown: ${String(error)}`);
    if (target.throws?.includes(error.name)) return done(sentence(error.message));
    return done(
      `${error.name} was thrown: ${error.message}\n${error.stack?.split('\n').slice(1, 5).join('\n')}`,
    );
  }
  if (ownNames() !== clean || 'polluted' in {}) return done('a prototype was changed');
  const {gaps = [], shown = [], rows} = told;
  if (gaps.length > MOST_GAPS) return done(`${gaps.length} sentences about one answer`);
  const unsafe = shown.map(text => UNSAFE.exec(text)).find(found => found !== null);
  if (unsafe) {
    const around = JSON.stringify(unsafe.input.slice(Math.max(0, unsafe.index - 60), unsafe.index + 20));
    return done(`a control character would reach the terminal: ${around}`);
  }
  if (garbled && rows !== undefined && gaps.length === 0) {
    const whole = await target.run(garbled);
    if (rows < (whole.rows ?? 0) && (whole.gaps ?? []).length === 0)
      return done(`${(whole.rows ?? 0) - rows} rows less, and nothing is said of it`);
  }
  return done();
}

/** An error for a person holds what was read: it is cleaned where it is printed, but has an end. */
function sentence(message: string): string | undefined {
  return message.length > 4000 ? `a sentence of ${message.length} characters` : undefined;
}
