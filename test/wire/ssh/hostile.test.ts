/**
 * Nodes that mean harm, or are broken past all sense: real sshd, real logins, and a login shell that floods or drips.
 * hoptop as it is typed has to answer of the others, say of these how much they sent, and hold none of it.
 */
import {spawn} from 'node:child_process';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {headless} from '../../../source/wire/prompter.ts';
import {createRemoteSource} from '../../../source/wire/remote.ts';
import {sshDial} from '../../../source/wire/ssh/dial.ts';
import {reader, said, sweep} from '../contract.ts';
import {knownHosts} from './setup.ts';
import {makeKey, missing, type Sshd, startSshd, temporary} from './sshd.ts';

const LAUNCHER = fileURLToPath(new URL('../../../source/launcher.cjs', import.meta.url));

/** What each account's login shell does; it is given `-c COMMAND`. */
const SHELLS = {
  good: 'exec /bin/sh "$@"',
  // A gigabyte where the first word of the shell should be.
  flood: 'exec head -c 1000000000 /dev/zero',
  stderr: 'exec head -c 1000000000 /dev/zero >&2',
  drip: 'while printf x; do sleep 1; done',
  escapes: 'printf "\\033]0;owned\\007\\033[2J\\033[31mGo away\\n" >&2; exit 1',
  // Speaks the protocol, and then never stops: in the frame of the first read, and outside of any.
  framed: `exec /bin/sh "$0.framed"`,
  dripping: `exec /bin/sh "$0.dripping"`,
} as const;
type Kind = keyof typeof SHELLS;

/** The nonce is in the text that a shell is sent: whoever wants to can speak as the shell would. */
const SPEAK = `
nonce=
while IFS= read -r line; do
  case $line in *[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*)
    nonce=$(printf %s "$line" | grep -o '[0-9a-f]\\{32\\}' | head -n1);; esac
  [ -z "$nonce" ] || break
done
printf '%s H 0 1\\n%s R\\n%s N\\n1000\\n\\n%s B 0 -\\n' "$nonce" "$nonce" "$nonce" "$nonce"
printf '%s r\\n' "$nonce" >&2
`;

describe.skipIf(missing())('hostile nodes', () => {
  let directory: string;
  let sshd: Sshd;
  let key: string;

  beforeAll(async () => {
    directory = temporary();
    key = join(directory, 'id');
    const publicKey = makeKey(key);
    const users = (Object.keys(SHELLS) as Kind[]).map(kind => {
      const file = join(directory, kind);
      writeFileSync(file, `#!/bin/sh\n${SHELLS[kind]}\n`, {mode: 0o755});
      return [kind, file] as const;
    });
    writeFileSync(join(directory, 'framed.framed'), `${SPEAK}exec head -c 1000000000 /dev/zero\n`);
    writeFileSync(join(directory, 'dripping.dripping'), `${SPEAK}while printf x; do sleep 1; done\n`);
    const banner = join(directory, 'banner');
    writeFileSync(banner, '\u001b]0;owned\u0007\u001b[2J\u009b31mAuthorized users only\u202e\n');
    sshd = await startSshd({Banner: banner, MaxStartups: '50'}, {users});
    sshd.authorize(publicKey);
  });
  afterAll(async () => {
    await sshd.stop();
    rmSync(directory, {recursive: true});
  });

  /** A sweep of `kinds`, and why each that did not answer was lost. */
  async function swept(kinds: readonly Kind[], patience: {hello?: number; sweep?: number}) {
    const dial = sshDial({
      targets: new Map(kinds.map(kind => [kind, {host: sshd.host, port: sshd.port, user: kind}])),
      flags: {'ssh-config': 'none', identity: [key], 'known-hosts': knownHosts(directory, sshd.known)},
      prompter: headless,
      env: {},
      home: '/nonexistent',
    });
    const source = createRemoteSource({nodes: kinds, dial, patience});
    const lost = new Map<string, string>();
    const stop = new AbortController();
    const heard = (async () => {
      for await (const {node, state, cause} of source.events(stop.signal))
        if (state === 'lost' && !lost.has(node)) lost.set(node, cause ?? '');
    })();
    try {
      const reads = kinds.map(node => ({
        node,
        reader: reader('fact', 'echo fine', {limit: 1 << 20}),
        scope: 'node' as const,
      }));
      const {replies} = await sweep(source, reads);
      return {answers: replies.map(reply => [reply.node, said(reply)]), lost};
    } finally {
      stop.abort();
      await heard;
      await source.close();
    }
  }

  test.each([
    ['flood', /^flood sent [\d.]+ MB within [\d.]+ s where its shell should have started, and was cut off/],
    ['stderr', /^stderr sent [\d.]+ MB within [\d.]+ s where its shell should have started, and was cut off/],
    ['framed', /^framed sent [\d.]+ MB within [\d.]+ s, more than it was asked for, and was cut off/],
  ] as const)(
    '%s: a gigabyte is cut off after some megabytes, and the other node answers',
    async (kind, why) => {
      const {answers, lost} = await swept([kind, 'good'], {});
      expect(answers).toEqual([['good', 'fine\n']]);
      expect(lost.get(kind)).toMatch(why);
      // Not much more than the bound was taken in.
      expect(Number(/sent ([\d.]+) MB/.exec(lost.get(kind)!)![1])).toBeLessThan(25);
    },
  );

  test.each([
    [
      'drip',
      {hello: 3},
      /^The shell on drip did not start within 3 s, and sent \d+ bytes of something else: .* It said: x+$/,
    ],
    [
      'dripping',
      {sweep: 3},
      /^dripping had not finished a sweep after 3 s, and had sent \d+ bytes: the link or the node is too slow/,
    ],
  ] as const)(
    '%s: one byte a second is given up, and the other node answers',
    async (kind, patience, why) => {
      const {answers, lost} = await swept([kind, 'good'], patience);
      expect(answers).toEqual([['good', 'fine\n']]);
      expect(lost.get(kind)).toMatch(why);
    },
  );

  test('as it is typed: the others’ answer, a sentence for each, no control character, and bounded memory', async () => {
    const kinds = ['good', 'flood', 'stderr', 'framed', 'escapes'] as const;
    const inventory = join(directory, 'nodes.yaml');
    const {host, port} = sshd;
    writeFileSync(inventory, JSON.stringify(kinds.map(kind => ({name: kind, host, port, user: kind}))));
    const words = ['overview', '--inventory', inventory, '-F', 'none', '-i', key];
    words.push('--known-hosts', knownHosts(directory, sshd.known));
    const env = {...process.env, HOME: directory, KUBECONFIG: '/nonexistent'};
    const child = spawn(process.execPath, [LAUNCHER, ...words], {env, stdio: ['ignore', 'pipe', 'pipe']});
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, peakOf(child.pid!));
    }, 20);
    const status = await new Promise<number | null>(resolve => child.once('close', resolve));
    clearInterval(watch);
    const [text, said] = [Buffer.concat(out).toString(), Buffer.concat(err).toString()];
    // Some nodes answered, others did not.
    expect(status, said).toBe(2);
    expect(text).toMatch(/\bready\b/);
    for (const kind of ['flood', 'stderr'])
      expect(said).toMatch(new RegExp(`${kind}.* sent [\\d.]+ MB .*cut off`));
    expect(said).toContain('Go away');
    expect(said).toMatch(/framed.* (sent [\d.]+ MB .*cut off|more than)/);
    expect(text + said).not.toMatch(UNSAFE);
    console.log(`hostile nodes: at most ${Math.round(most / 1024)} MB resident`);
    expect(most).toBeGreaterThan(20_000);
    expect(most).toBeLessThan(600_000);
  });
});

const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** The most memory that a process ever held, in kB; 0 once it is gone. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
