import {setTimeout as pause} from 'node:timers/promises';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import type {NodeEvent, Read, Reader, Reply, Scope, Source, Swept} from '../../source/wire/source.ts';

/** A source that reaches one node and runs what it is asked to run. */
export type Subject = {
  readonly source: Source;
  readonly node: string;
  /** Inodes of network namespaces of the node that stay for the test; the first is the one its shell is in. */
  readonly netns: readonly string[];
  /** Breaks the link to the node from outside; the source must get over it by itself. */
  cut?(): void | Promise<void>;
  /** Closes the source and takes away what was made for it. */
  done(): Promise<void>;
};

export const reader = (name: string, command: string, more: Partial<Reader> = {}): Reader => ({
  name: `${name}@1`,
  fact: name,
  scope: 'node',
  command,
  why: 'to test',
  limit: 1 << 20,
  timeout: 10,
  ...more,
});

/** One sweep, taken apart. */
export async function sweep(source: Source, reads: readonly Read[], signal = new AbortController().signal) {
  const replies: Reply[] = [];
  const swept: Swept[] = [];
  for await (const event of source.sweep(reads, signal)) {
    if (event.type === 'reply') replies.push(event);
    if (event.type === 'swept') swept.push(event);
  }
  const one = (fact: string) => {
    const found = replies.filter(reply => reply.fact === fact);
    if (found.length !== 1) throw new Error(`${found.length} replies for ${fact}`);
    return found[0]!;
  };
  return {replies, swept, one};
}

export const said = (reply: Reply): string => Buffer.from(reply.out).toString('utf8');

/** What every adapter that runs commands must do. `make` is called before each test. */
export function describeSource(name: string, make: () => Promise<Subject>): void {
  describe(`${name} keeps the contract of a Source`, () => {
    let subject: Subject;
    const read = (what: Reader, scope?: Scope): Read => ({
      node: subject.node,
      reader: what,
      scope: scope ?? (what.scope === 'node' ? 'node' : {netns: subject.netns}),
    });
    const ask = (...reads: Read[]) => sweep(subject.source, reads);
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.done());

    test('a read once a node: output, exit status, standard error, times', async () => {
      const {one, swept} = await ask(read(reader('fact', 'echo out; echo err >&2; exit 3')));
      const reply = one('fact');
      expect(reply).toMatchObject({node: subject.node, reader: 'fact@1', exit: 3, err: 'err\n', sweep: 1});
      expect(said(reply)).toBe('out\n');
      expect(reply.netns).toBeUndefined();
      expect(reply.truncated).toBeUndefined();
      expect(reply.uptime).toBeGreaterThan(0);
      expect(new Date(reply.at).toISOString()).toBe(reply.at);
      expect(swept).toMatchObject([{node: subject.node, swept: 1}]);
      expect(swept[0]!.bytes).toBeGreaterThan(4);
      expect(swept[0]!.trips).toBeLessThanOrEqual(2);
    });

    test('a read in each of some namespaces happens in those, and in no other', async () => {
      const {replies} = await ask(
        read(reader('where', 'stat -L -c %i /proc/self/ns/net', {scope: 'each-netns'})),
      );
      expect(replies.map(reply => reply.netns).sort()).toEqual([...subject.netns].sort());
      for (const reply of replies) expect(said(reply).trim(), reply.err).toBe(reply.netns);
    });

    test('a read in every namespace finds those that are there', async () => {
      const {replies} = await ask(read(reader('every', 'true', {scope: 'each-netns'}), 'each-netns'));
      const found = replies.map(reply => reply.netns);
      expect(found).toEqual(expect.arrayContaining([...subject.netns]));
      expect(new Set(found).size).toBe(found.length);
    });

    test('standard input is fed to the command in every namespace', async () => {
      const lines = `link show lo\n'quoted' "$PATH" \\n!\n`;
      const {replies} = await ask(read(reader('fed', 'cat', {scope: 'each-netns', stdin: lines})));
      expect(replies.map(said)).toEqual(subject.netns.map(() => lines));
    });

    test('a namespace that is not there is a failed reply', async () => {
      const {one} = await ask(read(reader('none', 'true', {scope: 'each-netns'}), {netns: ['42']}));
      expect(one('none')).toMatchObject({
        netns: '42',
        err: expect.stringContaining('no network namespace 42'),
      });
      expect(one('none').exit).not.toBe(0);
    });

    test('one process for each namespace is known to a read once a node', async () => {
      const command = 'for p in $hop_pids; do stat -L -c %i /proc/$p/ns/net; done';
      const {one} = await ask(read(reader('pids', command)));
      const inodes = said(one('pids')).trim().split('\n');
      expect(inodes).toContain(subject.netns[0]);
      expect(new Set(inodes).size).toBe(inodes.length);
    });

    test('output is kept byte for byte', async () => {
      const likeFrames = `${'f'.repeat(32)} E 0 1 2\n${'0123456789abcdef'.repeat(2)} D 0\nZ 1`;
      const {one} = await ask(
        read(reader('raw', `printf '\\000\\001\\n\\r\\n\\377\\376 \\033[31m'`)),
        read(reader('frames', `printf %s '${likeFrames}'`)),
        read(reader('open', 'printf "no newline"')),
        read(reader('empty', ':')),
        read(
          reader('bytes', `i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i + 1)); done`),
        ),
      );
      expect([...one('raw').out]).toEqual([0, 1, 10, 13, 10, 255, 254, 32, 27, 91, 51, 49, 109]);
      expect(said(one('frames'))).toBe(likeFrames);
      expect(said(one('open'))).toBe('no newline');
      expect(one('empty').out).toHaveLength(0);
      expect([...one('bytes').out]).toEqual(Array.from({length: 256}, (_, byte) => byte));
    });

    test('a large answer comes whole', async () => {
      const {one} = await ask(read(reader('large', 'seq 1 200000', {limit: 4 << 20})));
      const lines = said(one('large')).trimEnd().split('\n');
      expect(lines).toHaveLength(200_000);
      expect(lines.at(-1)).toBe('200000');
    });

    test('what goes beyond its limit is cut there, and marked', async () => {
      const {one} = await ask(
        read(reader('endless', 'yes', {limit: 5000})),
        read(reader('exact', 'printf 12345', {limit: 5})),
        read(reader('after', 'echo fine')),
      );
      expect(one('endless').truncated).toBe(true);
      expect(said(one('endless'))).toBe('y\n'.repeat(2500));
      expect(one('exact')).toMatchObject({exit: 0});
      expect(one('exact').truncated).toBeUndefined();
      expect(said(one('after'))).toBe('fine\n');
    });

    test('what shares a pipe is cut at its own limit too, and the others are whole', async () => {
      const {one, replies} = await ask(
        read(reader('long', 'seq 1 2000', {limit: 5, slight: true})),
        read(reader('broad', 'seq 2', {scope: 'each-netns', limit: 5000, slight: true})),
        read(reader('after', 'cd /proc && echo fine', {slight: true})),
        read(reader('apart', 'pwd')),
      );
      expect(one('long')).toMatchObject({exit: 0, truncated: true});
      expect(said(one('long'))).toBe('1\n2\n3');
      const broad = replies.filter(({fact}) => fact === 'broad');
      expect(broad.map(reply => [reply.exit, said(reply)])).toEqual(subject.netns.map(() => [0, '1\n2\n']));
      expect(said(one('after'))).toBe('fine\n');
      expect(said(one('apart'))).toBe('/\n');
    });

    test('what shares a pipe and hangs is stopped, and the others are not', async () => {
      const {one} = await ask(
        read(reader('slow', 'echo begun; sleep 100; echo late', {timeout: 1, slight: true})),
        read(reader('after', 'echo fine', {slight: true})),
      );
      expect([124, 137, 143]).toContain(one('slow').exit);
      expect(said(one('slow'))).toBe('begun\n');
      expect(said(one('after'))).toBe('fine\n');
    });

    test('namespaces left out when the limit was used up say so', async () => {
      const many = reader('many', 'seq 1 100000', {scope: 'each-netns', limit: 1000});
      const {replies} = await ask(read(many));
      expect(replies).toHaveLength(subject.netns.length);
      expect(replies[0]).toMatchObject({truncated: true});
      expect(replies[0]!.out).toHaveLength(1000);
      for (const reply of replies.slice(1)) {
        expect(reply.out).toHaveLength(0);
        expect(reply.exit).not.toBe(0);
        expect(reply.err).toContain('1000 bytes');
      }
    });

    test('a command whose time is up is stopped, with all it started', async () => {
      const {one} = await ask(
        read(reader('slow', 'echo begun; (sleep 100; echo late) | cat', {timeout: 1})),
        read(reader('after', 'echo fine')),
      );
      expect([124, 137, 143]).toContain(one('slow').exit);
      expect(said(one('slow'))).toBe('begun\n');
      expect(one('slow').err).toContain('given 1 s');
      expect(said(one('after'))).toBe('fine\n');
    });

    test('a command that ignores being asked to stop is made to', async () => {
      const {one} = await ask(read(reader('deaf', "trap '' TERM; sleep 100", {timeout: 1})));
      expect([137, 143]).toContain(one('deaf').exit);
    });

    test('a missing tool exits with 127; bad syntax and an unknown option spoil nothing after them', async () => {
      const {one, replies} = await ask(
        read(reader('missing', 'hop-no-such-tool -x')),
        read(reader('within', 'hop-no-such-tool -x', {scope: 'each-netns'})),
        read(reader('syntax', 'if ( then "')),
        read(reader('brokenloop', 'echo "', {scope: 'each-netns'})),
        read(reader('option', 'ls --hop-no-such-option')),
        read(reader('leave', 'exit 9; echo no')),
        read(reader('after', 'echo fine', {scope: 'each-netns'})),
      );
      expect(one('missing').exit).toBe(127);
      expect(one('missing').err).toContain('hop-no-such-tool');
      const within = replies.filter(reply => reply.fact === 'within');
      expect(within.map(reply => reply.exit)).toEqual(subject.netns.map(() => 127));
      for (const reply of within) expect(reply.err).toContain('hop-no-such-tool');
      expect(one('syntax').exit).not.toBe(0);
      for (const reply of replies.filter(each => each.fact === 'brokenloop')) expect(reply.exit).not.toBe(0);
      expect(one('option').exit).not.toBe(0);
      expect(one('leave').exit).toBe(9);
      const after = replies.filter(reply => reply.fact === 'after');
      expect(after.map(said)).toEqual(subject.netns.map(() => 'fine\n'));
    });

    test('standard error belongs to its reply, and only its beginning is kept', async () => {
      const {one} = await ask(
        read(reader('first', 'echo one >&2')),
        read(reader('loud', 'yes complaint | head -n 5000 >&2')),
        read(reader('quiet', 'echo two')),
        read(reader('last', 'echo three >&2')),
      );
      expect(one('first').err).toBe('one\n');
      expect(one('loud').err).toBe('complaint\n'.repeat(205).slice(0, 2048));
      expect(one('quiet').err).toBe('');
      expect(one('last').err).toBe('three\n');
    });

    test('the surroundings of a command: C locale, sbin in the path, no input, kindness', async () => {
      const {one} = await ask(
        read(
          reader(
            'around',
            `echo "$LC_ALL"; echo ":$PATH:"; cat; awk '{ print $19 }' /proc/self/stat; ulimit -c`,
          ),
        ),
      );
      const [locale, path, kindness, core] = said(one('around')).split('\n');
      expect(locale).toBe('C');
      expect(path).toContain(':/usr/sbin:');
      expect(path).toContain(':/sbin:');
      expect(Number(kindness)).toBeGreaterThanOrEqual(10);
      expect(core).toBe('0');
    });

    test('a sweep of nothing is empty', async () => {
      expect(await ask()).toMatchObject({replies: [], swept: []});
    });

    test('sweeps follow each other, numbered, each in one round trip, also when asked for at once', async () => {
      const again = () => ask(read(reader('count', 'echo fine')));
      const first = await again();
      const [second, third] = await Promise.all([again(), again()]);
      for (const [number, result] of [first, second, third].entries()) {
        expect(said(result.one('count'))).toBe('fine\n');
        expect(result.one('count').sweep).toBe(number + 1);
        expect(result.swept).toHaveLength(1);
        expect(result.swept[0]!.swept).toBe(number + 1);
      }
      expect(third.swept[0]!.trips).toBe(1);
      expect(third.swept[0]!.uptime).toBeGreaterThanOrEqual(first.swept[0]!.uptime);
    });

    test('a sweep tells what it cost', async () => {
      await ask(read(reader('start', ':')));
      const {swept} = await ask(read(reader('work', 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done')));
      const idle = await ask(read(reader('rest', ':')));
      expect(swept[0]!.cpu).toBeGreaterThan(0);
      expect(swept[0]!.cpu).toBeGreaterThan(idle.swept[0]!.cpu);
    });

    test('a sweep that is left or aborted ends, and the next one is right', async () => {
      const slow = [read(reader('first', 'echo 1')), read(reader('second', 'sleep 1; echo 2'))];
      for await (const event of subject.source.sweep(slow, new AbortController().signal)) {
        if (event.type === 'reply') break;
      }
      const stop = new AbortController();
      const aborted = sweep(subject.source, slow, stop.signal);
      await pause(50);
      stop.abort();
      const gone = await aborted;
      expect(gone.swept).toEqual([]);
      const next = await ask(read(reader('third', 'echo 3')));
      expect(next.replies.map(said)).toEqual(['3\n']);
      expect((await sweep(subject.source, slow, AbortSignal.abort())).replies).toEqual([]);
    });

    test('events begin with the present state, tell of being ready, and end with the signal', async () => {
      const stop = new AbortController();
      const states: NodeEvent['state'][] = [];
      for await (const event of subject.source.events(stop.signal)) {
        expect(event).toMatchObject({type: 'node', node: subject.node});
        states.push(event.state);
        if (event.state === 'ready') stop.abort();
      }
      expect(states[0]).toBe('dialling');
      expect(states.at(-1)).toBe('ready');
      await ask(read(reader('fact', ':')));
      for await (const event of subject.source.events(new AbortController().signal)) {
        expect(event.state).toBe('ready');
        break;
      }
    });

    test('a broken link is told with its cause, and mends by itself', async context => {
      if (!subject.cut) return context.skip();
      const before = await ask(read(reader('fact', ':')));
      const stop = new AbortController();
      const seen: NodeEvent[] = [];
      const back = (async () => {
        for await (const event of subject.source.events(stop.signal)) {
          seen.push(event);
          if (event.state === 'ready') await subject.cut!();
          if (event.state === 'back') stop.abort();
        }
      })();
      await back;
      const lost = seen.find(event => event.state === 'lost');
      expect(lost?.cause).toMatch(/\S+ .*\.$/s);
      expect(seen.findIndex(event => event.state === 'back')).toBeGreaterThan(seen.indexOf(lost!));
      const after = await ask(read(reader('fact', 'echo again')));
      expect(said(after.one('fact'))).toBe('again\n');
      expect(after.one('fact').sweep).toBeGreaterThan(before.one('fact').sweep);
    });

    test('what is not an inode is refused before anything runs', async () => {
      const odd = read(reader('odd', 'true', {scope: 'each-netns'}), {netns: ['1; reboot']});
      await expect(ask(odd)).rejects.toThrow('1; reboot');
    });

    test('close ends what is under way and what is asked afterwards', async () => {
      const running = ask(read(reader('slow', 'sleep 1')));
      await pause(50);
      await subject.source.close();
      expect((await running).swept).toEqual([]);
      expect(await ask(read(reader('late', 'echo late')))).toMatchObject({replies: [], swept: []});
    });
  });
}
