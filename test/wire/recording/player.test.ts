import {join} from 'node:path';
import {describe, expect, onTestFinished, test} from 'vitest';
import {createPlayer, type Frame, type Player, type PlayerClock} from '../../../source/wire/player.ts';
import {openRecording} from '../../../source/wire/recording/reader.ts';
import {eventsOf} from '../../../source/wire/recording/world.ts';
import type {Read, SourceEvent} from '../../../source/wire/source.ts';
import {everywhere} from './story.ts';

/** Two nodes, twenty rounds of sweeps some two seconds apart, captured from real namespaces with real traffic. */
const file = join(import.meta.dirname, 'traffic.hop');

/** A clock that moves only when told, and lets everything that waited for it run. */
function handClock() {
  let now = 0;
  let timers: {at: number; callback: () => void}[] = [];
  const clock: PlayerClock = {
    now: () => now,
    after: (ms, callback) => {
      const timer = {at: now + ms, callback};
      timers.push(timer);
      return () => {
        timers = timers.filter(other => other !== timer);
      };
    },
  };
  const settle = () => new Promise<void>(resolve => setImmediate(resolve));
  return {
    clock,
    async pass(ms: number) {
      const end = now + ms;
      for (;;) {
        await settle();
        const next = timers.sort((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        timers.shift();
        now = next.at;
        next.callback();
      }
      now = end;
      await settle();
    },
  };
}

function setUp(at?: string) {
  const recording = openRecording(file);
  const {clock, pass} = handClock();
  const player = createPlayer(recording, clock, at);
  const stop = new AbortController();
  const frames: Frame[] = [];
  const follow = (async () => {
    for (let frame = await player.next(stop.signal); frame; frame = await player.next(stop.signal))
      frames.push(frame);
  })();
  onTestFinished(async () => {
    stop.abort();
    await follow;
    await player.close();
  });
  const {rounds} = recording;
  const taken = () => frames.splice(0);
  return {recording, player, pass, taken, rounds};
}

const moments = (events: readonly SourceEvent[]) =>
  events.flatMap(event => (event.type === 'swept' ? [event.node + event.swept] : []));

/** What a session knows after these frames, which begin with a whole one. */
function known(frames: readonly Frame[]): string[] {
  const last = frames.findLastIndex(frame => frame.whole);
  const slots = new Map<string, string>();
  for (const {events} of frames.slice(last))
    for (const event of events)
      if (event.type === 'reply')
        slots.set(`${event.node} ${event.fact} ${event.netns}`, `${event.sweep} ${event.out}`);
  return [...slots].map(String).sort();
}

const stateAt = (player: Player, at: string) => known([player.jump(at)]);

describe('a player', () => {
  test('begins paused with the first complete round, whole', async () => {
    const {player, pass, taken, rounds} = setUp();
    await pass(60_000);
    const frames = taken();
    expect(frames.map(({whole, at}) => [whole, at])).toEqual([[true, rounds[0]]]);
    expect(moments(frames[0]!.events).sort()).toEqual(['a1', 'b1']);
    expect(player.state()).toMatchObject({at: rounds[0], playing: false, speed: 1});
  });

  test('plays in real time, and at the end pauses and says so', async () => {
    const {recording, player, pass, taken, rounds} = setUp();
    await pass(0);
    taken();
    player.play();
    const third = Date.parse(rounds[2]!) - Date.parse(rounds[0]!);
    await pass(third - 1);
    expect(moments(taken().flatMap(frame => frame.events))).toEqual(['a2', 'b2']);
    await pass(120_000);
    const rest = taken();
    expect(rest.every(frame => !frame.whole)).toBe(true);
    expect(moments(rest.flatMap(frame => frame.events)).at(-1)).toBe('b20');
    expect(rest.at(-1)).toEqual({at: recording.to, whole: false, events: []});
    expect(player.state()).toMatchObject({at: recording.to, playing: false});
    player.play();
    await pass(0);
    expect(taken()[0]).toMatchObject({at: rounds[0], whole: true});
  });

  test('plays at other speeds, within its bounds', async () => {
    const {player, pass, rounds} = setUp();
    player.play();
    const begin = Date.parse(rounds[0]!);
    const gone = () => Date.parse(player.state().at) - begin;
    player.setSpeed(4);
    await pass(1000);
    expect(gone()).toBe(4000);
    player.setSpeed(0.01);
    expect(player.state().speed).toBe(0.25);
    await pass(1000);
    expect(gone()).toBe(4250);
    player.setSpeed(1000);
    expect(player.state().speed).toBe(16);
    player.pause();
    await pass(1000);
    expect(gone()).toBe(4250);
  });

  test('steps by rounds of sweeps, either way, and not beyond the ends', async () => {
    const {player, pass, taken, rounds} = setUp();
    const step = async (by: number) => {
      player.step(by);
      await pass(0);
      return [rounds.indexOf(player.state().at), taken().at(-1)?.whole];
    };
    await pass(0);
    taken();
    expect(await step(1)).toEqual([1, false]);
    expect(await step(1)).toEqual([2, false]);
    expect(await step(3)).toEqual([5, true]);
    expect(await step(-1)).toEqual([4, true]);
    expect(await step(-99)).toEqual([0, true]);
    expect((await step(99))[0]).toBe(19);
    player.seek(new Date(Date.parse(rounds[7]!) + 500).toISOString());
    expect(await step(-1)).toEqual([7, true]);
    player.play();
    expect(await step(1)).toEqual([8, false]);
    expect(player.state().playing).toBe(false);
  });

  test('shows the same whether it played, stepped or jumped to a moment', async () => {
    const {player, pass, taken, rounds} = setUp();
    await pass(0);
    player.step(1);
    await pass(0);
    player.play();
    await pass(Date.parse(rounds[11]!) - Date.parse(rounds[1]!));
    player.pause();
    const played = known(taken());
    expect(player.state().at).toBe(rounds[11]);
    expect(played.length).toBe(36);
    expect(stateAt(player, rounds[11]!)).toEqual(played);
    expect(stateAt(player, rounds[10]!)).not.toEqual(played);
  });

  test('gives two rounds after a jump, so that there are rates', async () => {
    const {player, rounds} = setUp();
    expect(moments(player.jump(rounds[6]!).events)).toEqual(['a6', 'b6', 'a7', 'b7']);
  });

  test('clamps a seek to the recording and refuses what is no time', () => {
    const {recording, player} = setUp();
    player.seek('2001-01-01T00:00:00Z');
    expect(player.state().at).toBe(recording.from);
    player.seek('2099-01-01T00:00:00Z');
    expect(player.state().at).toBe(recording.to);
    expect(() => player.seek('noon')).toThrow('"noon" is not a time.');
  });
});

describe('as a source, a player', () => {
  const read = (node: string, fact: string, scope: Read['scope'] = 'each-netns'): Read => {
    const {reader} = everywhere(node);
    return {
      node,
      scope,
      reader: {...reader, fact, name: 'of tomorrow@9', command: 'something else altogether'},
    };
  };
  const signal = new AbortController().signal;
  const swept = async (player: Player, reads: Read[]) => {
    const events: SourceEvent[] = [];
    for await (const event of player.sweep(reads, signal)) events.push(event);
    return events.map(event =>
      event.type === 'reply' ? [event.node, event.fact, event.netns, event.sweep] : [event.node, event.type],
    );
  };

  test('answers with what stands at the playhead, by node, fact and namespace and not by command', async () => {
    const {player, rounds} = setUp();
    player.jump(rounds[4]!);
    const some = {netns: ['4026532002', 'not there']};
    const reads = [
      read('a', 'sockets', some),
      read('a', 'links', some),
      read('b', 'rules'),
      read('b', 'conntrack'),
    ];
    expect(await swept(player, reads)).toEqual([
      ['a', 'links', '4026532002', 1],
      ['a', 'sockets', '4026532002', 5],
      ['a', 'swept'],
      ['b', 'rules', '4026532001', 1],
      ['b', 'rules', '4026532002', 1],
      ['b', 'rules', '4026532003', 1],
      ['b', 'swept'],
    ]);
    expect(await swept(player, [read('c', 'sockets'), read('a', 'sockets', 'node')])).toEqual([
      ['a', 'swept'],
    ]);
  });

  test('tells how its nodes are reached, and ends with the signal', async () => {
    const {player} = setUp();
    const stop = new AbortController();
    const told: string[] = [];
    for await (const {node, state} of player.events(stop.signal)) {
      told.push(`${node} ${state}`);
      if (told.length === 2) stop.abort();
    }
    expect(told).toEqual(['a ready', 'b ready']);
  });

  test('agrees with the recording it plays', () => {
    const {recording, player, rounds} = setUp();
    expect(player.nodes).toEqual(['a', 'b']);
    const replies = eventsOf(recording.read(rounds[3]!)).filter(event => event.type === 'reply');
    expect(stateAt(player, rounds[3]!)).toHaveLength(replies.length);
  });
});
