/** How nodes are kept reached: with shells of this machine in place of nodes, and a clock that tests turn. */
import {setTimeout as pause} from 'node:timers/promises';
import {afterEach, expect, test} from 'vitest';
import {localDial} from '../../source/wire/local.ts';
import {createRemoteSource, type RemoteOptions} from '../../source/wire/remote.ts';
import {type Dial, DialError} from '../../source/wire/shell.ts';
import type {NodeEvent, Read} from '../../source/wire/source.ts';
import {backoff, type Timing} from '../../source/wire/timing.ts';
import {reader, said, sweep} from './contract.ts';
import {untilEmpty} from './sessions.ts';

/** Time stands until it is turned; `waits` are the timers that were set, in milliseconds. */
function handClock() {
  let now = Date.parse('2026-01-01T00:00:00Z');
  let timers: {at: number; run: () => void}[] = [];
  const waits: number[] = [];
  const timing: Timing = {
    now: () => now,
    random: () => 0.5,
    after(milliseconds, run) {
      const timer = {at: now + milliseconds, run};
      waits.push(milliseconds);
      timers.push(timer);
      return () => {
        timers = timers.filter(each => each !== timer);
      };
    },
  };
  const turn = async (milliseconds: number) => {
    now += milliseconds;
    const due = timers.filter(({at}) => at <= now);
    timers = timers.filter(({at}) => at > now);
    for (const {run} of due) run();
    await pause(0);
  };
  return {timing, waits, turn};
}

const until = async (met: () => boolean, what: string) => {
  for (let tries = 0; tries < 400; tries++) {
    if (met()) return;
    await pause(10);
  }
  throw new Error(`waited in vain for ${what}`);
};

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const run of cleanup.splice(0).reverse()) await run();
});

function open(options: RemoteOptions) {
  const source = createRemoteSource(options);
  const events: NodeEvent[] = [];
  const stop = new AbortController();
  void (async () => {
    for await (const event of source.events(stop.signal)) events.push(event);
  })();
  cleanup.push(async () => {
    await source.close();
    stop.abort();
  });
  const states = (node: string) =>
    events.filter(event => event.node === node).map(event => event.step ?? event.state);
  const has = (node: string, state: NodeEvent['state']) =>
    events.some(event => event.node === node && event.state === state);
  return {source, events, states, has};
}

/** Real shells, whose session ids are told. */
function shells() {
  const sessions = new Map<string, number>();
  const dial: Dial = (node, ...rest) => localDial('/bin/sh', pid => sessions.set(node, pid))(node, ...rest);
  cleanup.push(async () => {
    for (const session of sessions.values()) await untilEmpty(session);
  });
  return {dial, sessions, kill: (node: string) => void process.kill(sessions.get(node)!, 'SIGKILL')};
}

const ask = (node: string, command = `echo ${node}`, timeout = 10): Read => ({
  node,
  reader: reader('fact', command, {timeout}),
  scope: 'node',
});

test('few handshakes at a time, and every node gets its turn', async () => {
  let now = 0;
  let most = 0;
  const ends: (() => void)[] = [];
  const nodes = Array.from({length: 20}, (_, index) => `n${index}`);
  const {has} = open({
    nodes,
    timing: handClock().timing,
    async dial(node) {
      now += 1;
      most = Math.max(most, now);
      await new Promise<void>(resolve => ends.push(resolve));
      now -= 1;
      throw new DialError(`${node} is not there.`, true);
    },
  });
  await until(() => ends.length === 8, 'the first eight');
  await pause(20);
  expect(ends).toHaveLength(8);
  for (let done = 0; done < 20; done++) {
    await until(() => ends.length > 0, 'a further one');
    ends.shift()!();
    await pause(0);
  }
  await until(() => nodes.every(node => has(node, 'lost')), 'all of them');
  expect(most).toBe(8);
});

test('nodes whose dial waits for a person hold back nobody', async () => {
  const nodes = Array.from({length: 5}, (_, index) => `n${index}`);
  const dialled: string[] = [];
  open({
    nodes,
    inFlight: 2,
    timing: handClock().timing,
    dial(node, _, report, signal) {
      dialled.push(node);
      if (node !== 'n4') report('waiting for an answer', 'person');
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new DialError(`${node} is not wanted.`, true)));
      });
    },
  });
  await until(() => dialled.length === 5, 'all to be dialled');
  expect(dialled).toEqual(nodes);
});

test('the wait doubles from 1 s to 30 s, half of it by chance', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 50].map(attempt => backoff(attempt, 0))).toEqual([
    500, 1000, 2000, 4000, 8000, 15000, 15000, 15000,
  ]);
  expect([0, 1, 4, 5, 50].map(attempt => backoff(attempt, 0.999999))).toEqual([
    1000, 2000, 16000, 30000, 30000,
  ]);
});

test('a node that cannot be reached is dialled again after a wait, and is ready when it can', async () => {
  const {timing, waits, turn} = handClock();
  const {dial} = shells();
  let tries = 0;
  const {events, has} = open({
    nodes: ['a'],
    timing,
    dial(...rest) {
      tries += 1;
      return tries <= 2 ? Promise.reject(new DialError('a refused the connection.')) : dial(...rest);
    },
  });
  await until(() => waits.includes(750), 'the first wait');
  expect(events.at(-1)).toMatchObject({state: 'lost', cause: 'a refused the connection.'});
  await turn(749);
  expect(tries).toBe(1);
  await turn(1);
  await until(() => waits.includes(1500), 'the second wait');
  expect(tries).toBe(2);
  expect(events.find(({state, cause}) => state === 'dialling' && cause !== undefined)?.cause).toContain(
    'refused',
  );
  // Dialled twice, but away all that time.
  expect(new Set(events.map(({since}) => since))).toEqual(new Set(['2026-01-01T00:00:00.000Z']));
  await turn(1500);
  await until(() => has('a', 'ready'), 'being ready');
  expect(has('a', 'back')).toBe(false);
  expect(events.at(-1)?.since).toBe('2026-01-01T00:00:02.250Z');
});

test('what waiting does not mend is not dialled again until it is asked for', async () => {
  const {timing, turn} = handClock();
  let tries = 0;
  const {source, has} = open({
    nodes: ['a'],
    timing,
    async dial() {
      tries += 1;
      throw new DialError('The host key of a has changed.', true);
    },
  });
  await until(() => has('a', 'lost'), 'the refusal');
  for (let minutes = 0; minutes < 5; minutes++) await turn(60_000);
  expect(tries).toBe(1);
  source.redial('a');
  await until(() => tries === 2, 'a second try');
});

test('a node without an answer to its dial holds back nobody', async () => {
  const {dial} = shells();
  const {source} = open({
    nodes: ['silent', 'a'],
    dial: (node, command, report, signal) =>
      node === 'a'
        ? dial(node, command, report, signal)
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  const seen: string[] = [];
  const stop = new AbortController();
  for await (const event of source.sweep([ask('silent'), ask('a')], stop.signal)) {
    if (event.type === 'reply') seen.push(event.node);
    if (event.type === 'swept') stop.abort();
  }
  expect(seen).toEqual(['a']);
});

test('a lost node is told at once, the other goes on, and it comes back by itself', async () => {
  const {timing, turn, waits} = handClock();
  const {dial, kill} = shells();
  const {source, states, has, events} = open({nodes: ['a', 'b'], dial, timing});
  const both = [ask('a'), ask('b')];
  expect((await sweep(source, both)).swept.map(({node}) => node).sort()).toEqual(['a', 'b']);
  kill('a');
  await until(() => has('a', 'lost'), 'the loss');
  expect(events.find(({state}) => state === 'lost')?.cause).toContain('SIGKILL');
  const alone = await sweep(source, both);
  expect(alone.replies.map(said)).toEqual(['b\n']);
  expect(alone.swept).toMatchObject([{node: 'b', swept: 2}]);
  await until(() => waits.includes(750), 'the wait');
  await turn(750);
  await until(() => has('a', 'back'), 'its return');
  const again = await sweep(source, both);
  expect(again.replies.map(said).sort()).toEqual(['a\n', 'b\n']);
  expect(again.swept.find(({node}) => node === 'a')!.swept).toBeGreaterThan(1);
  expect(states('a')).toEqual([
    'dialling',
    'connecting',
    'starting shell',
    'ready',
    'lost',
    'connecting',
    'starting shell',
    'back',
  ]);
});

test('a node lost in the middle of a sweep: the sweep ends, and half of one is not handed over', async () => {
  const {dial, kill, sessions} = shells();
  const {source, has} = open({nodes: ['a'], dial, timing: handClock().timing});
  const facts: string[] = [];
  const reads = [ask('a', 'echo first'), ask('a', 'sleep 100', 1)];
  setTimeout(() => kill('a'), 300);
  for await (const event of source.sweep(reads, new AbortController().signal)) facts.push(event.type);
  expect(facts).toEqual([]);
  await until(() => has('a', 'lost'), 'the loss');
  await untilEmpty(sessions.get('a')!);
});

test('a sweep that takes too long ends the channel, with a cause', async () => {
  const {timing, turn} = handClock();
  const {dial, sessions} = shells();
  const {source, has, events} = open({nodes: ['a'], dial, timing, patience: {sweep: 30}});
  await sweep(source, [ask('a')]);
  const slow = sweep(source, [ask('a', 'sleep 100', 1)]);
  await pause(50);
  await turn(30_000);
  expect((await slow).swept).toEqual([]);
  expect(has('a', 'lost')).toBe(true);
  expect(events.find(({state}) => state === 'lost')?.cause).toContain('30 s');
  await untilEmpty(sessions.get('a')!);
});

test('a quiet channel is kept awake, and one that does not answer is lost', async () => {
  const {timing, turn} = handClock();
  const {dial, sessions} = shells();
  const {source, has, events} = open({nodes: ['a'], dial, timing, patience: {idle: 60, answer: 15}});
  await sweep(source, [ask('a')]);
  for (let keepalives = 0; keepalives < 3; keepalives++) {
    await turn(20_000);
    await pause(100);
  }
  expect(has('a', 'lost')).toBe(false);
  expect((await sweep(source, [ask('a')])).swept).toHaveLength(1);
  const busy = sweep(source, [ask('a', 'sleep 1')]);
  await turn(20_000);
  expect((await busy).swept).toHaveLength(1);
  const dialled = sessions.get('a')!;
  process.kill(-dialled, 'SIGSTOP');
  try {
    await turn(20_000);
    await turn(15_000);
    await until(() => has('a', 'lost'), 'the loss');
    expect(events.find(({state}) => state === 'lost')?.cause).toContain('not answered');
  } finally {
    process.kill(-dialled, 'SIGCONT');
  }
});

test('a shell that never speaks is given up', async () => {
  const {timing, turn} = handClock();
  const {has, events} = open({
    nodes: ['a'],
    timing,
    dial: (node, _command, ...rest) => localDial('/bin/sh')(node, 'exec cat >/dev/null', ...rest),
  });
  await until(() => events.some(({step}) => step === 'starting shell'), 'the shell');
  await pause(50);
  await turn(20_000);
  await until(() => has('a', 'lost'), 'the loss');
  expect(events.find(({state}) => state === 'lost')?.cause).toContain('20 s');
});

test('a node that nobody named is a mistake of the caller', async () => {
  const {source} = open({nodes: [], dial: shells().dial});
  await expect(sweep(source, [ask('x')])).rejects.toThrow('no node called x');
});
