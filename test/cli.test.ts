/** hoptop as it is typed: the built program over the demo recording, its words, formats and exit statuses. */
import {spawnSync} from 'node:child_process';
import {copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import * as v from 'valibot';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {definitionOf} from '../source/questions/catalogue.ts';
import {schemaOf} from '../source/questions/json-schema.ts';
import {QUESTION_NAMES} from '../source/questions/question.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DEMO = join(ROOT, 'demo/demo.hop');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoptop-cli-'));
  // `npm test` builds before; a test run by hand builds here.
  const built = spawnSync(process.execPath, ['source/build.ts'], {cwd: ROOT, encoding: 'utf8'});
  expect(built.stderr).toBe('');
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

function hoptop(...words: string[]) {
  const {status, stdout, stderr} = spawnSync(process.execPath, ['source/launcher.cjs', ...words], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 20_000,
    maxBuffer: 64 << 20,
    env: {...process.env, HOME: folder},
  });
  return {status, stdout, stderr};
}

const json = (...words: string[]) => JSON.parse(hoptop(...words, '-o', 'json', '--from', DEMO).stdout);

/** Words for every question, taken from what the recording itself says. */
function wordsFor(): Record<string, string[]> {
  const {pods} = json('pods') as {pods: {pod: string}[]};
  const pod = pods.find(each => each.pod.startsWith('shop/cart'))!.pod;
  const {sockets} = json('sockets', pod) as {
    sockets: Record<'state' | 'local' | 'localPort' | 'remote' | 'remotePort', string>[];
  };
  const flow = sockets.find(socket => socket.state === 'ESTAB')!;
  const {processes} = json('processes', pod) as {processes: {words: string}[]};
  return {
    overview: [],
    node: ['worker-1'],
    interfaces: [],
    sockets: [],
    processes: [],
    routes: [],
    pods: [],
    pod: [pod],
    link: [`${pod}:eth0`],
    process: [processes[0]!.words],
    peers: [pod],
    path: ['data/backup-0', 'shop/db-0'],
    connection: [`${flow.local}:${flow.localPort}-${flow.remote}:${flow.remotePort}`],
    mesh: [],
    access: [],
    services: [],
  };
}

describe('every question', () => {
  let words: Record<string, string[]>;
  beforeAll(() => {
    words = wordsFor();
  });

  test.each(QUESTION_NAMES)('%s answers as text and as JSON that fits its schema', name => {
    const text = hoptop(name, ...words[name]!, '--from', DEMO);
    expect(text.stderr).toBe('');
    expect(text.status).toBe(0);
    expect(text.stdout.length).toBeGreaterThan(50);
    expect(text.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);

    const answer = json(name, ...words[name]!);
    const result = v.safeParse(definitionOf(name).schema, answer);
    expect(result.issues?.map(issue => `${v.getDotPath(issue)}: ${issue.message}`)).toBeUndefined();
    expect(answer.question).toEqual({name, words: words[name]});
    expect(Array.isArray(answer.gaps)).toBe(true);
  });

  test('the printed schema is that of the answer', () => {
    const printed = JSON.parse(hoptop('schema', 'pods').stdout);
    expect(printed).toEqual(schemaOf('pods'));
    expect(Object.keys(printed.properties)).toEqual(
      expect.arrayContaining(['question', 'at', 'gaps', 'pods']),
    );
  });
});

describe('exit statuses', () => {
  test.each([
    {why: 'no source', words: ['pods'], status: 1, says: /--nodes .*--inventory .*--local.*--from/},
    {why: 'no such question', words: ['podz', '--from', DEMO], status: 1, says: /did you mean pods?\?/},
    {why: 'a word too few', words: ['pod', '--from', DEMO], status: 1, says: /Usage: pod /},
    {why: 'a word too many', words: ['pods', 'a', 'b', '--from', DEMO], status: 1, says: /does not take "b"/},
    {why: 'no such flag', words: ['pods', '--frm', DEMO], status: 1, says: /--frm/},
    {why: 'a flag without its value', words: ['pods', '--from'], status: 1, says: /--from/},
    {
      why: 'two sources',
      words: ['pods', '--local', '--from', DEMO],
      status: 1,
      says: /cannot be used together/,
    },
    {
      why: 'no such format',
      words: ['pods', '--from', DEMO, '-o', 'xml'],
      status: 1,
      says: /text or json.*"xml"/,
    },
    {
      why: 'no such file',
      words: ['pods', '--from', '/no/such.hop'],
      status: 1,
      says: /no file \/no\/such\.hop/,
    },
    {
      why: 'not a recording',
      words: ['pods', '--from', 'package.json'],
      status: 1,
      says: /not a hoptop recording/,
    },
    {
      why: 'a moment outside',
      words: ['pods', '--from', DEMO, '--at', '+9999'],
      status: 1,
      says: /outside the recording/,
    },
    {why: 'not a moment', words: ['pods', '--from', DEMO, '--at', 'noon'], status: 1, says: /--at takes/},
    {why: 'a broken target', words: ['pods', '--nodes', 'a@[::1'], status: 1, says: /brackets do not match/},
    {
      why: 'no such pod',
      words: ['pod', 'shop/wbe', '--from', DEMO],
      status: 4,
      says: /No pod is called.*Near: .*shop\/web/,
    },
    {
      why: 'an end of a path with its port',
      words: ['path', 'worker-1', '10.244.2.2:5432', '--from', DEMO],
      status: 1,
      says: /An end of a path has no port: say 10\.244\.2\.2, and use --port 5432\./,
    },
    {
      why: 'a pod at the end of a path with its port',
      words: ['path', 'worker-1', 'shop/db-0:5432', '--from', DEMO],
      status: 1,
      says: /An end of a path has no port: say shop\/db-0, and use --port 5432\./,
    },
    {
      why: 'no such node',
      words: ['node', 'worker-9', '--from', DEMO],
      status: 4,
      says: /worker-9.*Near: .*worker-1/,
    },
    {
      why: 'no node reached',
      words: ['overview', '--nodes', 'root@127.0.0.1:1', '-F', 'none'],
      status: 3,
      says: /127\.0\.0\.1:1 could not be read: .*refuses connections/,
    },
  ])('$why: $status', ({words, status, says}) => {
    const result = hoptop(...words);
    expect(result.stderr).toMatch(says);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.status).toBe(status);
  });

  test('an inventory that is none says where', () => {
    const file = join(folder, 'nodes.yaml');
    writeFileSync(file, 'nodes:\n  - {name: a, host: 10.0.0.1, port: 99999}\n');
    const {status, stderr} = hoptop('pods', '--inventory', file);
    expect(stderr).toMatch(/nodes\.yaml is wrong at line 2: port is a number from 1 to 65535/);
    expect(status).toBe(1);
  });
});

describe('the demo', () => {
  test('is real, over a minute long and under 1 MB', () => {
    expect(statSync(DEMO).size).toBeLessThan(1_000_000);
    const {nodes} = json('overview') as {nodes: {sweep: number; state: string}[]};
    expect(nodes).toHaveLength(3);
    for (const node of nodes) expect(node.sweep).toBeGreaterThan(25);
  });

  test('without a terminal it prints the overview and exits 0', () => {
    const {status, stdout} = hoptop('demo');
    expect(stdout).toMatch(/worker-1/);
    expect(status).toBe(0);
  });

  test('a node is lost in its middle, and is back at its end', () => {
    const state = (...at: string[]) =>
      Object.fromEntries(
        (json('overview', ...at).nodes as {name: string; state: string}[]).map(each => [
          each.name,
          each.state,
        ]),
      );
    expect(state('--at', '+38')['worker-2']).toMatch(/lost|dialling/);
    expect(state('--at', '+38')['worker-1']).toBe('ready');
    expect(state()['worker-2']).toBe('back');
    expect(hoptop('overview', '--from', DEMO, '--at', '+38').status).toBe(2);
    expect(hoptop('overview', '--from', DEMO).status).toBe(0);
  });

  test('cut short it still answers, and says that it is cut', () => {
    const half = join(folder, 'half.hop');
    copyFileSync(DEMO, half);
    // Before its middle, where a node is lost.
    truncateSync(half, Math.floor(statSync(DEMO).size * 0.3));
    const result = hoptop('pods', '--from', half);
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/shop\/web/);
    expect(result.stderr).toMatch(/cut/);
  });
});

test('help and commands are complete', () => {
  const help = hoptop('--help').stdout;
  for (const name of QUESTION_NAMES) expect(help).toContain(`  ${name}`);
  for (const flag of [
    '--nodes',
    '--inventory',
    '--local',
    '--from',
    '-i, ',
    '-F, ',
    '-J, ',
    '-l, ',
    '-p, ',
    '--known-hosts',
  ])
    expect(help).toContain(flag);
  const commands = hoptop('commands').stdout;
  for (const tool of ['ss -', 'ip -', 'bridge -', 'find ', 'stat -L']) expect(commands).toContain(tool);
});
