/** hoptop as it is typed, with a Kubernetes API: beside nodes, instead of naming them, and when it is down. */
import {spawn, spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {type ApiServer, fixture, kubeconfig, startApiServer} from './wire/kube/api-server.ts';
import {type Authority, createAuthority} from './wire/kube/certificates.ts';

const ROOT = resolve(import.meta.dirname, '..');
let folder: string;
let dist: string;
let ca: Authority;
let api: ApiServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hoptop-cli-kube-'));
  dist = join(folder, 'dist');
  expect(spawnSync(process.execPath, ['source/build.ts', dist], {cwd: ROOT, encoding: 'utf8'}).stderr).toBe(
    '',
  );
  // What is built finds its packages, and none is needed but those that are bundled.
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  ca = createAuthority(join(folder, 'ca'));
  api = await startApiServer({
    ca,
    pair: ca.issue('kube-apiserver', {names: ['IP:127.0.0.1']}),
    tokens: () => ['good'],
  });
  save('config', {});
  save('dead', {server: 'https://127.0.0.1:1'});
  save('stranger', {user: {token: 'bad'}});
});
afterAll(async () => {
  await api.close();
  rmSync(folder, {recursive: true, force: true});
});

function save(name: string, more: Partial<Parameters<typeof kubeconfig>[0]>): void {
  const text = kubeconfig({
    server: `https://127.0.0.1:${api.port}`,
    ca: ca.cert,
    user: {token: 'good'},
    ...more,
  });
  writeFileSync(join(folder, name), text);
}

function hoptop(words: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(dist, 'hoptop.js'), ...words], {
    cwd: ROOT,
    env: {
      ...process.env,
      HOME: folder,
      KUBECONFIG: join(folder, 'none'),
      KUBERNETES_SERVICE_HOST: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text));
  return new Promise<{status: number | null; stdout: string; stderr: string}>(done =>
    child.once('close', status => done({status, stdout, stderr})),
  );
}

test('beside this machine: nodes and pods that only the API knows are there, with their evidence', async () => {
  const {status, stdout} = await hoptop([
    'pods',
    '--local',
    '--kubeconfig',
    join(folder, 'config'),
    '-o',
    'json',
  ]);
  expect(status).toBe(0);
  const {pods} = JSON.parse(stdout) as {pods: {pod: string; state: string; evidence: {node: string}[]}[]};
  // Labs on this machine have a pod of that name, too.
  const db = pods.find(({pod, state}) => pod.startsWith('shop/db-0') && state === 'listed');
  expect(db).toMatchObject({state: 'listed', evidence: [{node: '(cluster)'}]});
});

test('an API that is down is a gap and an exit status; the node is read all the same', async () => {
  const {status, stdout, stderr} = await hoptop([
    'overview',
    '--local',
    '--kubeconfig',
    join(folder, 'dead'),
    '-o',
    'json',
  ]);
  expect(status).toBe(2);
  const {nodes, gaps} = JSON.parse(stdout) as {
    nodes: {sweep: number}[];
    gaps: {fact: string; reason: string}[];
  };
  expect(nodes[0]!.sweep).toBeGreaterThan(0);
  expect(gaps.find(({fact}) => fact === 'kube-api')!.reason).toMatch(
    /^Nothing listens at the API server 127\.0\.0\.1:1/,
  );
  expect(stderr).toMatch(/^hoptop: The Kubernetes API could not be read: Nothing listens/m);
});

test('without a node named, the kubeconfig’s nodes are read, and what the API says is shown though none is reached', async () => {
  api.handlers.push((url, response) => {
    if (url.pathname !== '/api/v1/nodes') return false;
    // Nobody listens for SSH there.
    response.end(fixture('nodes.json').replaceAll(/192\.168\.77\./g, '127.99.77.'));
    return true;
  });
  const {status, stdout, stderr} = await hoptop(['overview', '-F', 'none', '-p', '1'], {
    KUBECONFIG: join(folder, 'config'),
  });
  api.handlers.pop();
  expect(status).toBe(2);
  expect(stdout).toMatch(/^atlas +lost +Ready .* v1\.36\.2 +127\.99\.77\.11 +<none>/m);
  expect(stderr).toMatch(/atlas could not be read: .*127\.99\.77\.11:1\) refuses connections/);
});

test.each<[string, readonly string[], string, number, RegExp]>([
  ['no kubeconfig and no node', ['overview'], 'none', 1, /Say what to read: .*--kubeconfig FILE/],
  [
    'an API that is down, and no node',
    ['overview'],
    'dead',
    3,
    /Nothing listens at the API server .* Or name the nodes/,
  ],
  ['credentials that are refused', ['overview'], 'stranger', 3, /does not know who asks by context “lab”/],
  [
    'no such context',
    ['overview', '--context', 'nope'],
    'config',
    1,
    /has no context “nope”\. It has: lab\./,
  ],
  [
    'no such context, beside a node',
    ['overview', '--nodes', 'root@127.0.0.1:1', '--context', 'nope'],
    'config',
    1,
    /has no context “nope”\. It has: lab\./,
  ],
  [
    'a file that is not there',
    ['overview', '--kubeconfig', '/no/such'],
    'config',
    1,
    /\/no\/such could not be read: there is no such file/,
  ],
  [
    'a recording has its own',
    ['overview', '--from', 'demo/demo.hop', '--context', 'lab'],
    'config',
    1,
    /--context and --from cannot be used together/,
  ],
])('%s: a sentence and its exit status', async (_, words, config, status, says) => {
  const result = await hoptop(words, {KUBECONFIG: join(folder, config)});
  expect(result.stderr).toMatch(says);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect(result.status).toBe(status);
});

test('beside nodes that are named, no kubeconfig is looked at unless it is asked for', async () => {
  const before = api.requests.length;
  const {stdout} = await hoptop(['overview', '--local', '-o', 'json'], {KUBECONFIG: join(folder, 'config')});
  expect(JSON.parse(stdout).nodes).toHaveLength(1);
  expect(api.requests.length).toBe(before);
});

test('nothing that speaks to the API is loaded where it is not asked', () => {
  const files = readdirSync(dist).filter(file => file.endsWith('.js'));
  const text = (file: string) => readFileSync(join(dist, file), 'utf8');
  const own = files.filter(file => text(file).includes('Impersonate-Group'));
  expect(own).toHaveLength(1);
  // Only `import()` names it: no `from"./…"`, no `import"./…"`.
  const eager = files.filter(file => new RegExp(`(from|import) ?"\\./${own[0]}"`).test(text(file)));
  expect(eager).toEqual([]);
});
