/**
 * Streams that a node opens, through the person's own ssh (`ssh -W`): all of a node share one connection, so that a
 * person logs in once. Each ssh ends when its stream does, and so do all when hoptop is gone.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Duplex} from 'node:stream';
import {DialError, type Shell} from '../shell.ts';
import type {Onward} from './dial.ts';
import {type OpensshOptions, starter} from './openssh.ts';
import {clean} from './sentences.ts';

/** What is kept of ssh's complaints. */
const COMPLAINTS = 2000;

type Shared = {readonly folder: string; readonly drop: () => void; open: number; turn: Promise<unknown>};

export function opensshOnward(options: OpensshOptions): Onward {
  const start = starter(options);
  const shared = new Map<string, Shared>();

  const take = (node: string): Shared => {
    const known = shared.get(node);
    const one = known ?? begin();
    one.open += 1;
    shared.set(node, one);
    return one;
  };
  const leave = (node: string, one: Shared) => {
    one.open -= 1;
    if (one.open > 0) return;
    if (shared.get(node) === one) shared.delete(node);
    one.drop();
    process.off('exit', one.drop);
  };

  return async (node, host, port, report, signal) => {
    const one = take(node);
    const to = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    try {
      const path = join(one.folder, 'c');
      const mine = one.turn.then(async () => {
        const tail = (words: readonly string[]) => [...words.slice(0, -2), '-W', to, ...words.slice(-2)];
        const shell = await start(node, tail, report, signal, {path});
        return streamOf(shell, node, to, () => leave(node, one));
      });
      // One after the other: whoever comes first logs in, and once its way is known to lead somewhere others share what
      // it made. Only who made it is told why a way leads nowhere.
      one.turn = mine.then(({spoke}) => spoke).catch(() => {});
      return (await mine).stream;
    } catch (error) {
      leave(node, one);
      throw error;
    }
  };
}

/** A folder of one's own for the socket by which a connection is shared: it ends with hoptop, too. */
function begin(): Shared {
  const folder = mkdtempSync(join(tmpdir(), 'hoptop-shared-'));
  const drop = () => rmSync(folder, {recursive: true, force: true});
  process.once('exit', drop);
  return {folder, drop, open: 0, turn: Promise.resolve()};
}

function streamOf(
  shell: Shell,
  node: string,
  to: string,
  closed: () => void,
): {readonly stream: Duplex; readonly spoke: Promise<void>} {
  const spoke = Promise.withResolvers<void>();
  let heard = '';
  shell.stderr.on('data', (chunk: Buffer) => {
    heard = (heard + chunk.toString('latin1')).slice(-COMPLAINTS);
  });
  let answered = false;
  // `Duplex.from` would call it an error that somebody has had enough.
  const stream = new Duplex({
    read: () => void shell.stdout.resume(),
    // What cannot be written any more is told by `gone`, with its cause.
    write: (chunk: Buffer, _, done) => void shell.stdin.write(chunk, () => done()),
    final(done) {
      shell.stdin.end();
      done();
    },
    destroy(error, done) {
      spoke.resolve();
      shell.end();
      closed();
      done(error);
    },
  });
  shell.stdout.on('data', (chunk: Buffer) => {
    answered = true;
    spoke.resolve();
    if (!stream.push(chunk)) shell.stdout.pause();
  });
  // Where nothing was ever said, ssh says why a moment later.
  shell.stdout.on('end', () => answered && stream.push(null));
  void shell.gone.then(cause =>
    stream.destroy(new DialError(answered ? cause : refusal(node, to, heard, cause))),
  );
  return {stream, spoke: spoke.promise};
}

/** ssh(1) says `channel 0: open failed: REASON: WORDS` (channels.c), and of a shared connection `stdio forwarding request failed`. */
function refusal(node: string, to: string, heard: string, cause: string): string {
  const why = /open failed: ([^\r\n]+)|request failed: ([^\r\n]+)/.exec(heard);
  const words = clean(why?.[1] ?? why?.[2] ?? '');
  if (/administratively prohibited/.test(words))
    return `${node} does not let connections pass to ${to}: set AllowTcpForwarding and PermitOpen in its sshd_config, or take another node.`;
  // ssh itself ended before it could say anything of the way.
  if (words === '' && /broke|was ended/.test(cause)) return cause;
  return `${node} could not connect to ${to} (${words || 'no reason given'}): see whether sshd runs there and ${node} can reach it.`;
}
