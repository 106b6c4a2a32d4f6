import {createEngine} from '../engine.ts';
import {EXIT} from '../exit.ts';
import {sanitise} from '../facts/text.ts';
import {driveLive} from '../live.ts';
import {type Flags, numberFlag, UsageError} from '../options.ts';
import {newRecorder} from '../recorder.ts';
import {openSource} from '../sources.ts';
import {headless} from '../wire/prompter.ts';
import {chooseOrigin} from './targets.ts';

/**
 * Records until Ctrl-C or `--for` seconds. Says on standard error what is reached and how much is written; the file is
 * whole at every moment. Throws `UsageError` and `RecordingError`.
 */
export async function record(words: readonly string[], flags: Flags): Promise<number> {
  const [file, ...rest] = words;
  if (file === undefined || rest.length > 0) throw new UsageError('Usage: hoptop record FILE.hop --nodes …');
  const origin = await chooseOrigin(flags);
  if (origin.kind === 'recording')
    throw new UsageError('A recording is not recorded again: copy the file instead.');
  const every = numberFlag(flags, 'every', 2, 3600);
  const seconds = flags.for === undefined ? undefined : numberFlag(flags, 'for', 0, 7 * 24 * 3600);
  const start = {origin, every, speed: 1, play: false, loop: false, flags};
  const label = origin.kind === 'local' ? 'this machine' : 'ssh';
  const source = await openSource(start, headless);
  let broken: string | undefined;
  let end = () => {};
  const ended = new Promise<void>(resolve => {
    end = resolve;
  });
  const recording = newRecorder(file, label, source.nodes, sentence => {
    broken = sentence;
    end();
  });
  const drive = driveLive({
    source,
    label,
    every,
    changed: () => engine.changed(),
    recorder: {file, recording},
    record: async () => recording,
  });
  const engine = createEngine(drive, {watch: () => () => {}, answer: () => {}});
  const told = new Map<string, string>();
  const unwatch = engine.status(({nodes, api}) => {
    const all = [...nodes.map(node => ({...node, name: node.id})), ...(api ? [api] : [])];
    for (const {name: id, state, cause, warning} of all) {
      // A lost node is dialled again and again: said once.
      if (state === 'dialling') continue;
      const word =
        state === 'lost'
          ? `lost: ${cause ?? 'no reason given'}`
          : `recording${warning ? `; ${warning}` : ''}`;
      if (told.get(id) === word) continue;
      told.set(id, word);
      process.stderr.write(`hoptop: ${sanitise(`${id}: ${word}`)}\n`);
    }
  });
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
  await ended;
  clearTimeout(timer);
  unwatch();
  await engine.close();
  const nodes = drive.world().statuses();
  const api = drive.world().apiStatus();
  const all = api ? [...nodes, api] : nodes;
  const unread = all.filter(node => node.sweep === 0).length;
  process.stderr.write(
    broken
      ? `hoptop: ${sanitise(broken)}\n`
      : `hoptop: recorded ${recording.bytes()} bytes to ${file}; open it with: hoptop play ${file}\n`,
  );
  if (broken) return EXIT.usage;
  return unread === all.length ? EXIT.none : unread > 0 ? EXIT.some : EXIT.answered;
}
