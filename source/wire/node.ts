import {bootCommand} from './agent.ts';
import type {Become} from './become.ts';
import {type Channel, DeclinedError, type Hello, openChannel, type Patience} from './channel.ts';
import {type Dial, DialError, type Report, type Shell} from './shell.ts';
import type {NodeEvent, Read, Reply, Swept} from './source.ts';
import {backoff, type Timing} from './timing.ts';

/** A node that is kept reached: dialled when first asked for, and again by itself whenever it was lost. */
export type RemoteNode = {
  /** How it is reached now. */
  readonly state: NodeEvent;
  start(): void;
  /** Dials now instead of when the wait is over, also after a failure that waiting does not mend. */
  redial(): void;
  /**
   * One sweep; undefined when the node is not reached or is lost meanwhile. Waits for the first dial, never for a
   * later one.
   */
  sweep(reads: readonly Read[], take: (reply: Reply) => void): Promise<Swept | undefined>;
  close(): Promise<void>;
};

/** What a node's first event says, before anything has been tried. */
export const FIRST_STEP = 'connecting';

export type NodeParts = {
  readonly dial: Dial;
  readonly timing: Timing;
  readonly patience: Patience;
  /** Runs something when few enough nodes are in their handshake; `yieldTurn` lets another one begin meanwhile. */
  readonly turn: <T>(run: (yieldTurn: () => void) => Promise<T>) => Promise<T>;
  readonly tell: (event: NodeEvent) => void;
  readonly become: Become;
  readonly kubernetes: string | undefined;
};

export function createNode(
  node: string,
  {dial, timing, patience, turn, tell, become, kubernetes}: NodeParts,
): RemoteNode {
  const stop = new AbortController();
  const first = Promise.withResolvers<void>();
  const at = () => new Date(timing.now()).toISOString();
  const begun = at();
  const called = kubernetes === undefined ? {} : {kubernetes};
  let state: NodeEvent = {node, at: begun, since: begun, state: 'dialling', ...called};
  let channel: Channel | undefined;
  let shell: Shell | undefined;
  let running: Promise<void> | undefined;
  let sweeps = 0;
  let reached = false;
  let attempt = 0;
  let wake = () => {};
  /** Sweeps that wait for the next channel, or for the word that there is none. */
  const waiting: (() => void)[] = [];
  const settle = () => {
    first.resolve();
    for (const resolve of waiting.splice(0)) resolve();
  };

  const say = (event: Omit<NodeEvent, 'node' | 'at' | 'since'>) => {
    const now = at();
    const away = (one: Pick<NodeEvent, 'state'>) => one.state === 'lost' || one.state === 'dialling';
    const goesOn = state.state === event.state || (away(state) && away(event));
    state = {node, at: now, since: goesOn ? (state.since ?? state.at) : now, ...called, ...event};
    tell(state);
  };

  /** One dial, up to the first word of the shell. */
  const open = (cause: string | undefined) =>
    turn(async yieldTurn => {
      const why = cause === undefined ? {} : {cause};
      if (stop.signal.aborted) throw new DialError(`${node} is not wanted any more.`, true);
      say({state: 'dialling', step: FIRST_STEP, ...why});
      const report: Report = (step, person) => {
        if (person) yieldTurn();
        say({state: 'dialling', step, ...why});
      };
      shell = await dial(node, bootCommand, report, stop.signal);
      if (stop.signal.aborted) {
        shell.end();
        throw new DialError(`${node} is not wanted any more.`, true);
      }
      const opened = openChannel(node, shell, timing, patience, become, () =>
        report(`waiting for the password of sudo`, 'person'),
      );
      // What is asked for already goes out with the shell's own text, not a round trip later.
      channel = opened;
      settle();
      return {opened, hello: await opened.ready};
    });

  const wait = (milliseconds: number | undefined) =>
    new Promise<void>(resolve => {
      const cancel = milliseconds === undefined ? () => {} : timing.after(milliseconds, resolve);
      wake = () => {
        cancel();
        resolve();
      };
      if (stop.signal.aborted) wake();
    });

  const live = async () => {
    let cause: string | undefined;
    while (!stop.signal.aborted) {
      let pause: number | undefined;
      try {
        const {opened, hello} = await open(cause);
        const warning = shell?.warnings?.join(' ');
        say({
          state: reached ? 'back' : 'ready',
          ...reachedAs(node, hello),
          ...(warning ? {warning} : {}),
        });
        reached = true;
        cause = await opened.lost;
      } catch (problem) {
        if (problem instanceof DeclinedError && !stop.signal.aborted) continue;
        cause = problem instanceof Error ? problem.message : String(problem);
        if (problem instanceof DialError && problem.final) pause = -1;
      }
      channel = undefined;
      if (stop.signal.aborted) break;
      say({state: 'lost', cause});
      settle();
      pause ??= backoff(attempt, timing.random());
      attempt += 1;
      await wait(pause < 0 ? undefined : pause);
    }
    settle();
  };

  const sweep: RemoteNode['sweep'] = async (reads, take) => {
    running ??= live();
    await first.promise;
    const asked = channel;
    if (asked === undefined) return undefined;
    sweeps += 1;
    try {
      const swept = await asked.ask(reads, sweeps, take);
      attempt = 0;
      return swept;
    } catch (problem) {
      if (problem instanceof DeclinedError && !stop.signal.aborted) {
        await new Promise<void>(resolve => waiting.push(resolve));
        return sweep(reads, take);
      }
      // Mostly the channel was lost, which `events` tells with its cause. Anything else must not leave the node
      // looking well: the channel ends with it, and the node is dialled anew.
      asked.end(`${node} could not be asked: ${problem instanceof Error ? problem.message : problem}`);
      return undefined;
    }
  };

  return {
    get state() {
      return state;
    },
    start() {
      running ??= live();
    },
    redial() {
      attempt = 0;
      wake();
    },
    sweep,
    async close() {
      stop.abort();
      wake();
      channel?.end(`${node} is not wanted any more.`);
      shell?.end();
      settle();
      if (running === undefined) return;
      const late = Promise.withResolvers<void>();
      const cancel = timing.after(2000, late.resolve);
      await Promise.race([Promise.all([running, shell?.gone]), late.promise]);
      cancel();
    },
  };
}

/** What to know about a node that is reached, for the reads that follow. */
function reachedAs(node: string, hello: Hello): Pick<NodeEvent, 'uid' | 'note'> {
  return {
    uid: hello.uid,
    ...(hello.bounded
      ? {}
      : {
          note: `${node} has no \`timeout\`: nothing there stops a command that hangs, only hoptop by hanging up.`,
        }),
  };
}
