/** `hoptop import DIR|FILE… FILE.hop`: outputs of tools that somebody pasted become a recording. */
import {lstatSync, readdirSync, readFileSync, rmSync, type Stats, statSync} from 'node:fs';
import {basename, join, relative, resolve} from 'node:path';
import {EXIT} from '../exit.ts';
import {quoted} from '../facts/lines.ts';
import {sanitise} from '../facts/text.ts';
import {type Flags, UsageError} from '../options.ts';
import {newRecorder} from '../recorder.ts';
import {CLUSTER, PASTED_STEP} from '../wire/source.ts';
import {type Assembled, assemble, type Found} from './import/assemble.ts';

const USAGE = 'Usage: hoptop import DIR|FILE… FILE.hop [--node NAME] [--at TIME] [--force]';
/** Larger than any output of a tool that a person would paste. */
const MOST_BYTES = 256 * 1024 * 1024;
const MOST_FILES = 20_000;

/** Writes the recording and says what became of each file. Throws `UsageError` and `RecordingError`. */
export async function importPasted(words: readonly string[], flags: Flags): Promise<number> {
  const target = words.at(-1);
  const from = words.slice(0, -1);
  if (target === undefined || from.length === 0) throw new UsageError(USAGE);
  if (!target.endsWith('.hop')) {
    throw new UsageError(
      `The last word names the recording to write, and "${target}" does not end in .hop. ${USAGE}`,
    );
  }
  checkTarget(target, flags.force === true);
  const at = timeOf(flags.at);
  const files = from.flatMap(word => filesAt(word, at));
  const assembled = assemble(files, flags.node);
  if (assembled.replies.length === 0) {
    tellUnrecognised(assembled);
    throw new UsageError(
      `Nothing in ${from.join(', ')} is the output of a tool that hoptop knows: nothing was written. \`hoptop help import\` lists them.`,
    );
  }
  // Who holds a socket stands in the same paste: what was asked for is told.
  const clash = assembled.clashes.find(({what}) => what === 'sockets') ?? assembled.clashes[0];
  if (clash) {
    throw new UsageError(
      `${sanitise(clash.files.join(' and '))} show different ${clash.what}, and nothing says of which nodes they are: nothing was written. Name the node of each with its own directory (NODE/…), or say --node NAME where all are of one.`,
    );
  }
  checkNames(assembled.nodes);
  if (flags.force) rmSync(target, {force: true});
  await write(target, assembled);
  process.stdout.write(told(assembled, target));
  tellUnrecognised(assembled);
  return EXIT.answered;
}

function checkTarget(target: string, force: boolean): void {
  const stats = statOf(target);
  if (!stats) return;
  if (!stats.isFile()) throw new UsageError(`${target} is no file: name the recording to write.`);
  if (force) return;
  throw new UsageError(
    `${target} exists already, and hoptop does not overwrite it. Name another file, or say --force.`,
  );
}

/** The names come from prompts, directories and files: anything can stand there, and they go into keys and commands. */
function checkNames(nodes: readonly string[]): void {
  const odd = nodes.find(node => !/^[\w.-]+$/.test(node));
  if (odd === undefined) return;
  throw new UsageError(
    `"${sanitise(odd)}" cannot be the name of a node, which has letters, digits, dots and hyphens: rename the file or directory that it was taken from, or say --node NAME. Nothing was written.`,
  );
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function timeOf(at: string | undefined): string | undefined {
  if (at === undefined) return undefined;
  const time = Date.parse(at);
  if (Number.isNaN(time))
    throw new UsageError(`--at takes an ISO time, like 2026-01-31T12:00:00Z; this is "${at}".`);
  return new Date(time).toISOString();
}

function filesAt(word: string, at: string | undefined): Found[] {
  const stats = statOf(word);
  if (!stats) throw new UsageError(`There is no file or directory ${word}.`);
  if (!stats.isDirectory()) return [read(word, stats, at)];
  const entries = readdirSync(word, {recursive: true, encoding: 'utf8'}).sort();
  if (entries.length > MOST_FILES) {
    throw new UsageError(
      `${word} holds more than ${MOST_FILES} files: name the directory with what was pasted.`,
    );
  }
  return entries.flatMap(entry => {
    const path = join(word, entry);
    // A link could lead anywhere; what was pasted is here.
    const own = lstatSync(path);
    if (!own.isFile() || basename(entry).startsWith('.') || entry.endsWith('.hop')) return [];
    const below = relative(word, path);
    return [{...read(path, own, at), name: below, below, directory: resolve(word)}];
  });
}

function read(path: string, stats: Stats, at: string | undefined): Found {
  if (stats.size > MOST_BYTES) {
    throw new UsageError(
      `${sanitise(path)} has ${stats.size} bytes, more than any tool's output that is read: leave it out.`,
    );
  }
  let out: Uint8Array;
  try {
    out = new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new UsageError(
      sanitise(`${path} cannot be read: ${error instanceof Error ? error.message : error}.`),
    );
  }
  if (Buffer.from(out.subarray(0, 8)).toString('latin1') === '\x89HOP\r\n\x1a\n') {
    throw new UsageError(`${sanitise(path)} is a recording already: open it with \`hoptop play ${path}\`.`);
  }
  return {name: path, at: at ?? stats.mtime.toISOString(), out};
}

async function write(target: string, {replies, nodes}: Assembled): Promise<void> {
  let broken: string | undefined;
  const recorder = newRecorder(target, 'pasted', nodes, sentence => {
    broken = sentence;
  });
  for (const node of [...nodes, CLUSTER]) {
    const own = replies.filter(reply => reply.node === node);
    if (own.length === 0) continue;
    const at = own
      .map(reply => reply.at)
      .sort()
      .at(-1)!;
    if (node !== CLUSTER) recorder.append({type: 'node', node, at, state: 'ready', step: PASTED_STEP});
    for (const reply of own) recorder.append({type: 'reply', ...reply});
    const bytes = own.reduce((sum, {out}) => sum + out.length, 0);
    recorder.append({type: 'swept', node, swept: 1, at, uptime: 0, cpu: 0, wall: 0, bytes, trips: 0});
  }
  await recorder.close();
  const [dropped] = recorder.dropped().keys();
  if (broken === undefined && dropped !== undefined)
    broken = `What was pasted of ${dropped} could not be kept free of secrets.`;
  if (broken !== undefined) throw new UsageError(broken);
}

/** What was made of the files, node by node. */
function told({replies, nodes, named, notices}: Assembled, target: string): string {
  const lines = [...nodes, CLUSTER].flatMap(node => {
    const facts = [...new Set(replies.filter(reply => reply.node === node).map(({fact}) => fact))];
    const name = node === CLUSTER ? 'the cluster, by its API' : node;
    return facts.length === 0 ? [] : [`${name}: ${facts.join(', ')}`];
  });
  return [
    ...lines,
    ...named,
    ...notices,
    `Wrote ${target}: ask it with \`hoptop overview --from ${target}\`, or open it with \`hoptop play ${target}\`.`,
    '',
  ]
    .map(sanitise)
    .join('\n');
}

/** On standard error: what is not in the recording. */
function tellUnrecognised({unrecognised}: Assembled): void {
  for (const {file, line, first, why} of unrecognised) {
    const text = first.trim() === '' ? 'it is empty' : `${why}; it begins with ${quoted(first.trim())}`;
    process.stderr.write(`hoptop: ${sanitise(`not recognised: ${file}:${line}: ${text}`)}.\n`);
  }
}
