/**
 * Names that are escape sequences, where a node's user or a pod's can put them: the alias and the name of an interface,
 * a process's name and arguments, a control group, a pod, the banner of sshd. Real ones on a lab's node, read over SSH;
 * none may reach the terminal, a file's name or a shell as they are.
 */
import {existsSync, readdirSync} from 'node:fs';
import {beforeAll, describe, expect, test} from 'vitest';
import {connectCri} from '../../demo/lab/cri.ts';
import {startSandbox} from '../../demo/lab/pods.ts';
import {onNode, statusOf} from './harness.ts';
import {hoptop, hoptopArgv, labsFor, nameOf, runs, scratch} from './walk.ts';
import {person} from './walk-terminal.ts';

const FILE = 'escapes';
const TOPOLOGY = 'flannel-vxlan';
labsFor(FILE, [TOPOLOGY]);

/** Colours, clears the screen, sets the title, answers in the person's name, turns text around; then says where it is. */
const EVIL = (where: string) => `\u001b[31m\u001b[2J\u001b]0;owned\u0007\u009b5n\u202e${where}`;
const TITLE = 'owned';
/** What a shell would run, if a name came into one. */
const TOUCHED = '/tmp/hoptop-escaped';

describe.runIf(runs)('escape sequences in what a node says', {timeout: 120_000}, () => {
  const name = nameOf(FILE, TOPOLOGY);
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

  beforeAll(async () => {
    const status = statusOf(name);
    const [, node] = status.nodes;
    const on = (script: string) => onNode(name, node!.name, script);
    const shell = `$(touch ${TOUCHED})`;
    on(`ip link set dev cni0 alias ${quoted(`${EVIL('alias')} ${shell}`)}`);
    on(`ip link add ${quoted('e\u001b[31mvil')} type veth peer name ${quoted('p\u0007$(id)`')}`);
    on(`ip link set ${quoted('e\u001b[31mvil')} up`);
    on(
      `perl -e '$0 = shift; fork and exit; open STDIN, "</dev/null"; open STDOUT, ">/dev/null"; open STDERR, ">/dev/null"; use IO::Socket::INET; $s = IO::Socket::INET->new(Listen => 1, LocalPort => 7777); sleep 600' ${quoted(`${EVIL('argument')}\n${shell}`)}`,
    );
    const cri = connectCri(`/proc/${node!.pid}/root/run/containerd/containerd.sock`);
    try {
      const plan = {
        namespace: 'evil',
        name: '\u001b[31m\u001b[2J\u0007pod$(id)',
        app: 'evil',
        node: node!.name,
        containers: [],
      };
      await startSandbox(cri, plan, 'e4110000-0000-4000-8000-000000000001');
    } finally {
      cri.close();
    }
  }, 60_000);

  test.each([
    [['overview']],
    [['interfaces', 'worker-1']],
    [['link', 'worker-1/cni0']],
    [['processes', 'worker-1']],
    [['sockets', 'worker-1']],
    [['pods']],
    [['mesh']],
    [['node', 'worker-1']],
  ])('%j', async words => {
    for (const more of words.length > 1 ? [[], ['-o', 'json']] : [[]]) {
      const {out, err} = await hoptop(name, [...words, ...more]);
      expect(`${out}${err}`).not.toMatch(UNSAFE);
      expect(out.length + err.length).toBeGreaterThan(20);
    }
  });

  test('they were there to be seen: what is left of them is shown', async () => {
    const {out: links} = await hoptop(name, ['link', 'worker-1/cni0']);
    expect(links).toContain('bridge in worker-1');
    const {out: processes} = await hoptop(name, ['processes', 'worker-1']);
    expect(processes).toContain('argument');
    const {out: interfaces} = await hoptop(name, ['interfaces', 'worker-1']);
    expect(interfaces).toContain('[31mvil');
    const {out: pods} = await hoptop(name, ['pods', 'worker-1']);
    expect(pods).toContain('[31m');
  });

  test('on a pseudo-terminal: every byte that is written is one of ours', async () => {
    const each = person(hoptopArgv(name, []), 200, 60);
    await each.shows('worker-1', 60);
    for (const [line, what] of [
      ['processes worker-1', 'argument'],
      ['interfaces worker-1', '[31mvil'],
      ['link worker-1/cni0', 'bridge'],
      ['pods', 'HOST LINK'],
    ] as const) {
      await each.press(':');
      await each.press(line);
      await each.press('Enter');
      await each.shows(what, 60);
    }
    await each.press('q');
    each.kill();
    await each.ended;
    const raw = each.raw();
    // A title, a bell, a report of the terminal, C1 controls, text turned around: hoptop writes none of these itself.
    expect(raw).not.toContain(`\u001b]0;${TITLE}`);
    expect(raw).not.toMatch(/[\u0007\u0080-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(raw).not.toMatch(/\u001b\[[\d;]*n/);
  });

  test('neither a shell here nor one on the node ran what stands in a name, and a recording replays it as safely', async () => {
    const file = scratch('evil.hop');
    const {status, err} = await hoptop(name, ['record', file, '--for', '3']);
    expect(status, err).toBe(0);
    expect(err).not.toMatch(UNSAFE);
    expect(existsSync(file)).toBe(true);
    expect(readdirSync(scratch('')).filter(entry => UNSAFE.test(entry))).toEqual([]);
    for (const node of ['cp-1', 'worker-1', 'worker-2'])
      expect(onNode(name, node, `ls -d ${TOUCHED} || true`)).toBe('');
    expect(existsSync(TOUCHED)).toBe(false);
  });
});

const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069]/;
