import {randomBytes} from 'node:crypto';
import {agentText, aliveText, programText, type Request, requestText} from './agent.ts';
import {type Answer, cpuOf, createAnswer} from './answer.ts';
import {type Become, unasking} from './become.ts';
import {createSplitter, type FrameSink} from './frames.ts';
import {createGate} from './gate.ts';
import {callText, mayStand, sweepText} from './script.ts';
import {DialError, type Shell} from './shell.ts';
import type {Read, Reply, Swept} from './source.ts';
import {createStanding} from './standing.ts';
import type {Timing} from './timing.ts';

/** Bounds of a channel, in seconds. */
export type Patience = {
  /** From the start of the shell to its first word. */
  readonly hello: number;
  /** One whole sweep. The node gives it 5 s more, and then stops what is left of it. */
  readonly sweep: number;
  /** Without a request for so long the node takes the link for dead and ends everything; it is kept awake in time. */
  readonly idle: number;
  /** From a keepalive to its answer. */
  readonly answer: number;
};

export const usualPatience: Patience = {hello: 20, sweep: 60, idle: 60, answer: 15};

/** What the remote shell says of itself first. */
export type Hello = {
  /** The user id that reads run as. */
  readonly uid: number;
  /** False where the node has no `timeout`: only hoptop bounds what runs there. */
  readonly bounded: boolean;
};

/** The framed protocol over one shell: many sweeps, one after the other, each one round trip. */
export type Channel = {
  /** The remote shell's first word. Rejects with a `DialError` that holds what it said instead. */
  readonly ready: Promise<Hello>;
  /** Resolves when the channel is no more, with a sentence saying why. */
  readonly lost: Promise<string>;
  /**
   * One sweep after the last one has been answered. It may be asked before the shell is ready: the first request then
   * travels with the shell's own text and saves a round trip. Rejects when the channel is lost meanwhile.
   */
  ask(reads: readonly Read[], sweep: number, take: (reply: Reply) => void): Promise<Swept>;
  end(cause: string): void;
};

/** Programs kept defined in the remote shell; a further one takes the place of the oldest. */
const programLimit = 32;

/** Bytes of a sweep beyond the readers' limits: frames, standard error, lists of namespaces. */
const overhead = 16 << 20;
/** Bytes of a login, before the shell is ours: a message of the day, a chatty profile. */
const loginMost = 1 << 20;
/**
 * Bytes of any sweep: the readers' limits are each for a node where that one thing is huge, and no honest node is so in
 * all of them. It bounds what a hostile one can make us hold.
 */
const sweepMost = 400 << 20;

/** The person will not give the password that sudo wants: the node is to be dialled again, and not asked for it. */
export class DeclinedError extends DialError {}

/** Starts the protocol in a shell that `bootCommand` began. `waits`: a person is asked for sudo's password. */
export function openChannel(
  node: string,
  shell: Shell,
  timing: Timing,
  patience: Patience,
  become: Become = unasking,
  waits: () => void = () => {},
): Channel {
  const nonce = randomBytes(16).toString('hex');
  // Where it is in doubt who the node is, nothing is sent to it that could be used elsewhere.
  const asks = become.mayAsk(node) && (shell.warnings ?? []).length === 0;
  const token = asks ? `hop-${randomBytes(8).toString('hex')}` : undefined;
  const opened = Promise.withResolvers<Hello>();
  const lost = Promise.withResolvers<string>();
  let over: string | undefined;
  let uid = -1;
  let bounded = true;
  let ready = false;
  /** What came on standard error before the shell's own mark there is its login's noise. */
  let errReady = false;
  let noise = '';
  let cpu = 0;
  let bytes = 0;
  let most = overhead;
  let began = timing.now();
  const secondsSince = (then: number) => `${((timing.now() - then) / 1000).toFixed(1)} s`;
  let answer: Answer | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let failed: ((cause: Error) => void) | undefined;
  let timer = () => {};
  const asking = new AbortController();
  const programs = new Map<string, number>();
  const standing = createStanding();

  const bound = (seconds: number, run: () => void) => {
    timer();
    timer = timing.after(seconds * 1000, run);
  };
  const finish = (cause: string, declined = false) => {
    if (over !== undefined) return;
    over = cause;
    timer();
    asking.abort();
    shell.end();
    if (declined) opened.reject(new DeclinedError(cause));
    const heard = ready ? '' : plain(token === undefined ? noise : noise.replaceAll(token, ''));
    const said = heard === '' ? cause : `${cause} It said: ${heard}`;
    opened.reject(new DialError(said));
    failed?.(declined ? new DeclinedError(cause) : new Error(cause));
    lost.resolve(cause);
  };
  const rest = () => bound(Math.max(1, patience.idle / 3), keepAwake);
  const keepAwake = () => {
    shell.stdin.write(aliveText(nonce));
    bound(patience.answer, () =>
      finish(`${node} has not answered for ${patience.answer} s: the link or the node is down.`),
    );
  };

  const boundHello = () =>
    bound(patience.hello, () => {
      // It may be sudo that waits, for what is no password: without that, it is an ordinary user.
      if (token !== undefined) become.refused(node);
      finish(
        `The shell on ${node} did not start within ${patience.hello} s${loginBytes === 0 ? '' : `, and sent ${sizeWords(loginBytes)} of something else`}: log in by hand and see what it waits for.`,
        token !== undefined,
      );
    });
  const boundSweep = () =>
    bound(patience.sweep, () =>
      finish(
        `${node} had not finished a sweep after ${patience.sweep} s, and had sent ${sizeWords(bytes)}: the link or the node is too slow.`,
      ),
    );

  let booted: {readonly first: Request | undefined} | undefined;
  const boot = (first?: Request) => {
    booted = {first};
    const rights = {how: become.how, ...(token === undefined ? {} : {token})};
    if (over === undefined) shell.stdin.write(agentText(nonce, patience.idle, first, rights));
  };
  const gate =
    token === undefined
      ? undefined
      : createGate(token, {
          asks(again) {
            if (again) become.wrong(node);
            timer();
            waits();
            void become.ask(node, asking.signal).then(password => {
              if (over !== undefined || ready) return;
              if (password === undefined)
                return finish(`The password of sudo on ${node} was not given.`, true);
              shell.stdin.write(`${password}\n`);
              boundHello();
            });
          },
          granted() {
            shell.stdin.write(programText(nonce, patience.idle, booted?.first));
            boundHello();
          },
          refused(said) {
            become.refused(node);
            shell.stdin.write(`${said}\n`);
            boundHello();
          },
        });

  const greeting: {words: readonly string[]; text: string} = {words: [], text: ''};
  const hello: FrameSink = {
    body(piece) {
      if (uid < 0) noise = (noise + Buffer.from(piece).toString('utf8')).slice(0, 400);
      else greeting.text = (greeting.text + Buffer.from(piece).toString('latin1')).slice(0, 400);
    },
    mark([kind, first, second]) {
      if (kind === 'H') {
        uid = Number.parseInt(first ?? '', 10);
        asking.abort();
        bounded = second === '1';
      } else if (kind === 'R' && !ready && over === undefined) {
        ready = true;
        cpu = cpuOf(greeting.text);
        if (answer) boundSweep();
        else rest();
        opened.resolve({uid, bounded});
      } else if (kind === 'K' && answer === undefined && ready) rest();
    },
  };
  const started = timing.now();
  let loginBytes = 0;
  const count = (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (!ready) loginBytes += chunk.length;
    if (!ready && loginBytes > loginMost)
      finish(
        `${node} sent ${sizeWords(loginBytes)} within ${secondsSince(started)} where its shell should have started, and was cut off: see what its login prints.`,
      );
    else if (bytes > most)
      finish(
        `${node} sent ${sizeWords(bytes)} within ${secondsSince(began)}, more than it was asked for, and was cut off.`,
      );
  };
  const fromOut = createSplitter(nonce, {
    body: piece => (answer && ready ? answer.out : hello).body(piece),
    mark: words => (answer && ready && words[0] !== 'K' ? answer.out : hello).mark(words),
  });
  const fromErr = createSplitter(nonce, {
    body: piece => (answer && errReady ? answer.err : hello).body(piece),
    mark: words => {
      if (words[0] === 'r') errReady = true;
      else answer?.err.mark(words);
    },
  });
  shell.stdout.on('data', (chunk: Uint8Array) => {
    count(chunk);
    if (uid < 0) gate?.out(chunk);
    if (over === undefined) fromOut(chunk);
  });
  shell.stderr.on('data', (chunk: Uint8Array) => {
    count(chunk);
    if (uid < 0) gate?.err(chunk);
    if (over === undefined) fromErr(chunk);
  });
  for (const stream of [shell.stdin, shell.stdout, shell.stderr])
    stream.on('error', problem => {
      // A shell that ends at once says why on its way out; that its input broke says nothing.
      if (ready || stream !== shell.stdin) finish(`The link to ${node} broke: ${problem.message}.`);
    });
  void shell.gone.then(cause => finish(cause));

  const request = (reads: readonly Read[], sweep: number): Request => {
    const text = sweepText(0, reads);
    let id = programs.get(text);
    let define = '';
    if (id === undefined) {
      const oldest = programs.size < programLimit ? undefined : programs.entries().next().value;
      id = oldest?.[1] ?? programs.size;
      if (oldest) programs.delete(oldest[0]);
      define = sweepText(id, reads);
    } else programs.delete(text);
    programs.set(text, id);
    return {define, call: callText(id, sweep, patience.sweep + 5, reads, standing.unsound)};
  };

  const run = (reads: readonly Read[], sweep: number, take: (reply: Reply) => void) =>
    new Promise<Swept>((resolve, reject) => {
      if (over !== undefined) return reject(new Error(over));
      const asked = request(reads, sweep);
      began = timing.now();
      bytes = 0;
      most = Math.min(sweepMost, overhead + reads.reduce((sum, read) => sum + read.reader.limit, 0) * 2);
      failed = reject;
      standing.begin(reads.filter(mayStand));
      const keep = (reply: Reply) => {
        standing.keep(reply);
        take(reply);
      };
      answer = createAnswer(node, sweep, reads, timing.now, standing.of, keep, summary => {
        answer = undefined;
        failed = undefined;
        standing.end();
        const spent = Math.max(0, summary.cpu - cpu);
        cpu = summary.cpu;
        const now = timing.now();
        rest();
        resolve({
          node,
          swept: sweep,
          at: new Date(now).toISOString(),
          uptime: summary.uptime,
          cpu: Math.round(spent * 1000) / 1000,
          wall: now - began,
          bytes,
          trips: 1,
        });
        bytes = 0;
        most = overhead;
      });
      if (ready) boundSweep();
      if (ready) shell.stdin.write(requestText(nonce, asked));
      else if (!booted) boot(asked);
      else
        opened.promise.then(
          () => shell.stdin.write(requestText(nonce, asked)),
          () => {},
        );
    });
  const ask: Channel['ask'] = (reads, sweep, take) => {
    const next = last.then(() => run(reads, sweep, take));
    last = next.catch(() => {});
    return next;
  };

  boundHello();
  // What is asked in this very turn travels along.
  setImmediate(() => booted || boot());
  opened.promise.catch(() => {});
  return {ready: opened.promise, lost: lost.promise, ask, end: cause => finish(cause)};
}

function sizeWords(bytes: number): string {
  return bytes < 1_000_000 ? `${bytes} bytes` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** What a remote shell printed before it was ours, on one line and without control characters. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}
