/** The front door: argv → a question answered in text or JSON, or the terminal UI. */
import {setFlagsFromString} from 'node:v8';
import {Worker} from 'node:worker_threads';
import {isDoing} from './cli/doings.ts';
import {chooseOrigin, type Origin} from './cli/targets.ts';
import type {Start} from './drive.ts';
import {EXIT} from './exit.ts';
import {sanitise} from './facts/text.ts';
import {
  type Arguments,
  FLAGS,
  type Flags,
  isSentence,
  numberFlag,
  readArguments,
  UsageError,
} from './options.ts';
import {FIRST_SCREEN, isQuestion, type Question} from './questions/question.ts';
import {VERSION} from './version.ts';

async function main(argv: readonly string[]): Promise<number> {
  const {command, words, flags} = readArguments(argv);
  if (flags.version) return print(`hoptop ${VERSION}\n`);
  if (flags.help || command === 'help') {
    const {helpText} = await import('./cli/others.ts');
    return print(helpText(command === 'help' ? words[0] : command));
  }
  const format = formatOf(flags);
  if (command === 'commands') {
    const {commandsText} = await import('./cli/others.ts');
    return print(commandsText());
  }
  if (command === 'schema') {
    const {schemaText} = await import('./cli/others.ts');
    return print(schemaText(words[0]));
  }
  if (command === 'record') {
    const {record} = await import('./cli/others.ts');
    return record(words, flags);
  }
  if (command === 'import') {
    const {importPasted} = await import('./cli/others.ts');
    return importPasted(words, flags);
  }
  // Whoever mistypes a command hears of it before anything is opened; its words may be read while nodes are dialled.
  if (command !== undefined && !isDoing(command) && !isQuestion(command)) await questionOf(command, words);
  const start = await whatToOpen({...(command === undefined ? {} : {command}), words, flags});
  const wantsUi =
    process.stdout.isTTY &&
    format === undefined &&
    (command === undefined || isDoing(command) || flags.ui === true);
  if (wantsUi) return openTerminal(start, await questionOf(command, words), flags);
  const {answerOnce} = await import('./cli/answer.ts');
  const asked = command === undefined || isDoing(command) ? undefined : {command, words};
  return answerOnce(start, asked, format ?? 'text', flags.reverse ?? false);
}

async function whatToOpen({command, words, flags}: Arguments): Promise<Start> {
  const every = numberFlag(flags, 'every', 2, 3600);
  const speed = numberFlag(flags, 'speed', 1, 16);
  const common = {
    every,
    speed,
    flags,
    ...(flags.at === undefined ? {} : {at: flags.at}),
  };
  if (command === 'play' || command === 'demo') {
    if (flags.nodes || flags.inventory || flags.local || flags.from) {
      throw new UsageError(
        `\`hoptop ${command}\` reads a recording: it takes none of --nodes, --inventory, --local, --from.`,
      );
    }
    const origin: Origin = {kind: 'recording', file: command === 'demo' ? demoFile(words) : onlyFile(words)};
    return {...common, origin, play: true, loop: command === 'demo'};
  }
  return {...common, origin: await chooseOrigin(flags), play: command === undefined, loop: false};
}

function onlyFile(words: readonly string[]): string {
  const [file, ...rest] = words;
  if (file === undefined || rest.length > 0) throw new UsageError('Usage: hoptop play FILE.hop');
  return file;
}

/** Recordings that come with hoptop lie beside the bundle, in `demo/`. */
function demoFile(words: readonly string[]): string {
  const [name = 'demo', ...rest] = words;
  if (rest.length > 0 || !/^[\w-]+$/.test(name)) throw new UsageError('Usage: hoptop demo');
  return new URL(`../demo/${name}.hop`, import.meta.url).pathname;
}

async function questionOf(command: string | undefined, words: readonly string[]): Promise<Question> {
  if (command === undefined || isDoing(command)) return FIRST_SCREEN;
  const {readQuestion} = await import('./cli/question.ts');
  return readQuestion(command, words);
}

function formatOf(flags: Flags): 'text' | 'json' | undefined {
  const {output} = flags;
  if (output === undefined || output === 'text' || output === 'json') return output;
  throw new UsageError(`-o is the format of the answer, text or json; this is "${output}".`);
}

async function openTerminal(start: Start, question: Question, flags: Flags): Promise<number> {
  const [{connect}, {openUi}, {toView}] = await Promise.all([
    import('./bridge.ts'),
    import('./ui/open.tsx'),
    import('./views/catalogue.ts'),
  ]);
  // What is replaced at every sweep is let go soon: without these the heaps of a large cluster grow to several times
  // what is in use before V8 looks for it (10,000 pods: 760 MB, with them 400).
  setFlagsFromString('--heap-growing-percent=40');
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: start,
    stdout: true,
    stderr: true,
    resourceLimits: {maxYoungGenerationSizeMb: 12},
  });
  const session = connect(worker);
  const opened = await new Promise<UsageError | undefined>((resolve, reject) => {
    worker.once('message', (first: {readonly wrong?: string}) =>
      resolve(first.wrong ? new UsageError(first.wrong) : undefined),
    );
    worker.once('error', reject);
  });
  if (opened) throw opened;
  // Without its worker the screen would show old data as if it were live. The UI's guard restores the terminal first.
  let closing = false;
  worker.on('error', fault => queueMicrotask(() => Promise.reject(fault)));
  worker.on('exit', status => {
    if (!closing)
      queueMicrotask(() => Promise.reject(new Error(`hoptop's worker ended with status ${status}.`)));
  });
  const code = await openUi(session, {
    start: question,
    toView,
    colour: !(flags['no-color'] || process.env['NO_COLOR']),
    command: (words, at) =>
      ['hoptop', words, sourceFlags(start), ...(at === undefined ? [] : ['--at', at])].join(' '),
  });
  closing = true;
  await session.close();
  return code;
}

/** What chooses the same source again, to be pasted into a shell. */
function sourceFlags({origin, flags}: Start): string {
  const quote = (text: string) =>
    /^[\w@%+=:,./[\]-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const text: string[] = [];
  if (origin.kind === 'recording') text.push('--from', quote(origin.file));
  for (const [name, value] of Object.entries(flags)) {
    if (['from', 'at', 'ui', 'every', 'speed', 'node', 'force', 'no-color'].includes(name)) continue;
    const short = FLAGS[name as keyof typeof FLAGS];
    const dashed = 'short' in short ? `-${short.short}` : `--${name}`;
    for (const each of [value].flat()) text.push(each === true ? dashed : `${dashed} ${quote(String(each))}`);
  }
  return text.join(' ');
}

async function print(text: string): Promise<number> {
  await new Promise<void>(resolve => process.stdout.write(text, () => resolve()));
  return EXIT.answered;
}

// `hoptop … | head` is not an error.
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(EXIT.answered);
  throw error;
});

try {
  // Everything has been written; connections that are still closing need not be waited for.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (!isSentence(error)) throw error;
  // A sentence may hold what a file, a server or a name said.
  process.stderr.write(`hoptop: ${sanitise(error.message)}\n`);
  process.exitCode = (error as {exit?: number}).exit ?? EXIT.usage;
}
