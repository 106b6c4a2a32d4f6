/** The API adapter against a real HTTPS server: pages, watches, what breaks, who may not ask. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {parseAllDocuments} from 'yaml';
import {CLUSTER_FACTS} from '../../../source/facts/cluster.ts';
import {parsePodObjects} from '../../../source/facts/kube/pods.ts';
import {kubeGrant} from '../../../source/questions/access-grants.ts';
import {createClient} from '../../../source/wire/kube/client.ts';
import {accessOf} from '../../../source/wire/kube/kubeconfig.ts';
import {proxyOf} from '../../../source/wire/kube/proxy.ts';
import {createKubeSource} from '../../../source/wire/kube/source.ts';
import {CLUSTER, type NodeEvent, type Read, type Reply, type Source} from '../../../source/wire/source.ts';
import {realTiming} from '../../../source/wire/timing.ts';
import {type ApiServer, fixture, kubeconfig, startApiServer} from './api-server.ts';
import {type Authority, createAuthority, type Pair} from './certificates.ts';

let folder: string;
let ca: Authority;
let pair: Pair;
const open: {close(): Promise<void>}[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoptop-kube-'));
  ca = createAuthority(join(folder, 'ca'));
  pair = ca.issue('kube-apiserver', {names: ['DNS:localhost', 'DNS:kubernetes', 'IP:127.0.0.1']});
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Waits are as long as asked for, but at most 30 ms. */
const hasty = {
  ...realTiming,
  after: (ms: number, run: () => void) => realTiming.after(ms > 20_000 ? ms : Math.min(ms, 30), run),
};

async function serve(options: Partial<Parameters<typeof startApiServer>[0]> = {}): Promise<ApiServer> {
  const server = await startApiServer({pair, ca, ...options});
  open.push(server);
  return server;
}

type Rule = {apiGroups: string[]; resources: string[]; verbs: string[]};

type Trial = {
  readonly server?: string;
  readonly user?: object;
  readonly cluster?: object;
  readonly ca?: string;
  readonly connectSeconds?: number;
};

function ask(port: number, trial: Trial = {}): Source {
  const text = kubeconfig({
    server: `https://127.0.0.1:${port}`,
    ca: ca.cert,
    user: {token: 'good'},
    ...trial,
  });
  const {connectSeconds} = trial;
  const source = createKubeSource({
    timing: hasty,
    connect: async step =>
      createClient({
        access: accessOf([{name: 'config', text, folder}], undefined),
        step,
        ...(connectSeconds === undefined ? {} : {connectSeconds}),
      }),
  });
  open.push(source);
  return source;
}

const reads = (fresh = false): Read[] =>
  CLUSTER_FACTS.map(({reader}) => ({
    node: CLUSTER,
    reader,
    scope: 'node',
    ...(fresh ? {fresh: 'all' as const} : {}),
  }));

async function sweep(source: Source, asked = reads()) {
  const replies = new Map<string, Reply>();
  let swept = 0;
  for await (const event of source.sweep(asked, new AbortController().signal)) {
    if (event.type === 'reply') replies.set(event.fact, event);
    if (event.type === 'swept') swept += 1;
  }
  return {replies, swept};
}

/** The state that comes to hold `wanted`. */
async function state(source: Source, wanted: (event: NodeEvent) => boolean): Promise<NodeEvent> {
  const stop = new AbortController();
  try {
    for await (const event of source.events(stop.signal)) if (wanted(event)) return event;
  } finally {
    stop.abort();
  }
  throw new Error('The source ended first.');
}

async function causeOf(source: Source): Promise<string> {
  const [event] = await Promise.all([state(source, one => one.state === 'lost'), sweep(source)]);
  return event.cause ?? '';
}

const podsOf = (reply: Reply | undefined) =>
  parsePodObjects(reply!.out).rows.map(({namespace, name, status}) => `${namespace}/${name} ${status}`);

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error('It did not come to hold.');
}

/** Sweeps until the pods are as `wanted`. */
async function podsBecome(source: Source, wanted: (pods: readonly string[]) => boolean): Promise<void> {
  let last: readonly string[] = [];
  await until(async () => {
    const {replies} = await sweep(source, reads(true));
    const reply = replies.get('kube-pods');
    if (reply) last = podsOf(reply);
    return wanted(last);
  }).catch(() => {
    throw new Error(`The pods are ${last.join(', ')}.`);
  });
}

test('lists what a real server said, each object stripped on a line of its own', async () => {
  const server = await serve({tokens: () => ['good']});
  const {replies, swept} = await sweep(ask(server.port));
  expect(swept).toBe(1);
  expect([...replies.keys()]).toEqual(['kube-nodes', 'kube-pods', 'kube-workloads']);
  expect(podsOf(replies.get('kube-pods'))).toHaveLength(9);
  const text = new TextDecoder().decode(replies.get('kube-pods')!.out);
  expect(text).toContain('10.88.2.7');
  expect(text).not.toMatch(/managedFields|"env"|last-applied|tolerations/);
  expect(text.trimEnd().split('\n')).toHaveLength(11);
  const workloads = new TextDecoder().decode(replies.get('kube-workloads')!.out);
  expect(
    [...workloads.matchAll(/"kind":"(\w+)","metadata":\{"name":"([\w-]+)"/g)].map(([, kind]) => kind),
  ).toEqual(expect.arrayContaining(['DaemonSet', 'Deployment', 'StatefulSet']));
  // Five lists over shared connections, and nothing but GET.
  expect(server.requests.every(one => one.startsWith('GET '))).toBe(true);
  expect(server.connections()).toBeLessThanOrEqual(5);
});

test('reads pages as they were captured, and begins anew when the rest of a list has expired', async () => {
  const server = await serve();
  let expired = 0;
  const [first, second] = [fixture('pods-page1.json'), fixture('pods-page2.json')];
  const [token1, token2] = [first, second].map(text => JSON.parse(text).metadata.continue as string);
  server.handlers.push((url, response) => {
    if (url.pathname !== '/api/v1/pods' || url.searchParams.has('watch')) return false;
    const from = url.searchParams.get('continue');
    if (from === token2 && expired++ === 0) {
      response.statusCode = 410;
      // kube-apiserver's words for it (k8s.io/apiserver, storage/errors.go).
      response.end(
        '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"The provided continue parameter is too old to display a consistent list result.","reason":"Expired","code":410}',
      );
    } else if (from === token2) {
      const last = JSON.parse(second);
      response.end(JSON.stringify({...last, metadata: {resourceVersion: '508'}, items: []}));
    } else response.end(from === token1 ? second : first);
    return true;
  });
  const {replies} = await sweep(ask(server.port));
  expect(expired).toBe(2);
  expect(podsOf(replies.get('kube-pods'))).toHaveLength(6);
  expect(server.requests.filter(one => one.includes('/pods?limit=500'))).toHaveLength(6);
});

test('a watch as it was captured: pods come, change and go; only what changed is told again', async () => {
  const server = await serve();
  const before = JSON.parse(fixture('pods-page1.json'));
  before.items.push(...JSON.parse(fixture('pods-page2.json')).items);
  server.lists.set('/api/v1/pods', {...before, metadata: {resourceVersion: '508'}});
  const source = ask(server.port);
  const was = podsOf((await sweep(source)).replies.get('kube-pods'));
  expect((await sweep(source)).replies.size).toBe(0);
  await until(() => server.watches('/api/v1/pods').length === 1);
  expect(server.requests.find(one => one.includes('watch=1') && one.includes('/pods'))).toContain(
    'resourceVersion=508',
  );
  const lines = fixture('pods-watch.ndjson').split('\n').filter(Boolean);
  const until621 = lines.findIndex(line => line.includes('"resourceVersion":"621"'));
  const [watch] = server.watches('/api/v1/pods');
  for (const line of lines.slice(0, until621)) watch!.write(`${line}\n`);
  await podsBecome(
    source,
    pods => pods.length === was.length + 2 && pods.some(pod => /lgh8z Running/.test(pod)),
  );
  // The end comes in pieces that are no lines.
  const rest = `${lines.slice(until621).join('\n')}\n`;
  for (let i = 0; i < rest.length; i += 5000) watch!.write(rest.slice(i, i + 5000));
  await podsBecome(source, pods => !pods.some(pod => /wmc75|lgh8z|lmmtl/.test(pod)));
  // After a bookmark a watch that the server ends goes on where the bookmark was.
  watch!.end();
  await until(() => server.requests.some(one => one.includes('resourceVersion=705')));
});

test('a watch that breaks off goes on from its last version; one whose history is gone lists anew', async () => {
  const server = await serve();
  const source = ask(server.port);
  await sweep(source);
  await sweep(source);
  await until(() => server.watches('/api/v1/pods').length === 1);
  const pods = server.lists.get('/api/v1/pods')!;
  const [gone] = pods.items as {metadata: {name: string}}[];
  server.cut();
  expect((await state(source, ({state: now}) => now === 'lost')).cause).toMatch(/broke the connection off/);
  await state(source, ({state: now}) => now === 'back');
  await until(() => server.watches('/api/v1/pods').length === 1);
  const lists = () => server.requests.filter(one => one.includes('/pods?limit')).length;
  expect(lists()).toBe(1);
  server.lists.set('/api/v1/pods', {...pods, items: pods.items.slice(1)});
  server.watches('/api/v1/pods')[0]!.write(fixture('pods-watch-gone.ndjson'));
  await podsBecome(source, now => now.length === 8 && !now.some(pod => pod.includes(gone!.metadata.name)));
  expect(lists()).toBe(2);
});

test('one resource that is refused is a gap with its reason; the others are told', async () => {
  const server = await serve();
  server.handlers.push((url, response) => {
    if (url.pathname !== '/api/v1/nodes') return false;
    response.statusCode = 403;
    response.end(fixture('nodes-forbidden.json'));
    return true;
  });
  const {replies, swept} = await sweep(ask(server.port));
  expect(swept).toBe(1);
  expect(replies.get('kube-nodes')!.err).toMatch(
    /does not let the user of context “lab” list nodes: nodes is forbidden.*\tGrant it: kubectl create clusterrole/,
  );
  expect(podsOf(replies.get('kube-pods'))).toHaveLength(9);
  const {gaps} = CLUSTER_FACTS[0]!.contribute(replies.get('kube-nodes')!, {} as never);
  expect(gaps).toMatchObject([
    {fact: 'kube-nodes', reason: expect.stringMatching(/^The Kubernetes API does not let/)},
  ]);
});

test('an API that has too much to do (429) is a gap that says so, and is asked again by itself', async () => {
  const server = await serve();
  let busy = 1;
  server.handlers.push((url, response) => {
    if (url.pathname !== '/api/v1/pods' || busy-- <= 0) return false;
    response.statusCode = 429;
    response.end('{"kind":"Status","status":"Failure","message":"too many requests","code":429}');
    return true;
  });
  const source = ask(server.port);
  const first = await sweep(source);
  expect(first.replies.get('kube-pods')!.err).toMatch(/has too much to do to list pods: too many requests/);
  expect(first.replies.get('kube-nodes')!.err).toBe('');
  for (;;) {
    const {replies} = await sweep(source);
    const pods = replies.get('kube-pods');
    if (pods?.err === '') {
      expect(podsOf(pods)).toHaveLength(9);
      break;
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
});

test.each([
  ['suffices for all that is asked, lists and watches', (rule: Rule) => rule],
  [
    'less than it does not',
    ({apiGroups, resources, verbs}: Rule) => ({apiGroups, resources: resources.slice(1), verbs}),
  ],
])('the role that `access` prints: %s', async (_, some) => {
  const [role] = parseAllDocuments(kubeGrant().lines.join('\n')).map(document => document.toJS());
  const rules = (role.rules as Rule[]).map(some);
  const server = await serve();
  const denied: string[] = [];
  // As RBAC decides: GET of a collection is `list`, or `watch` with that parameter.
  server.handlers.push((url, response) => {
    const parts = url.pathname.split('/').slice(1);
    const group = parts[0] === 'apis' ? parts[1]! : '';
    const verb = url.searchParams.has('watch') ? 'watch' : 'list';
    const allowed = rules.some(
      ({apiGroups, resources, verbs}) =>
        apiGroups.includes(group) && resources.includes(parts.at(-1)!) && verbs.includes(verb),
    );
    if (allowed) return false;
    denied.push(`${verb} ${url.pathname}`);
    response.statusCode = 403;
    response.end(fixture('nodes-forbidden.json'));
    return true;
  });
  const source = ask(server.port);
  const {replies} = await sweep(source);
  // What is asked for again is watched from then on.
  await sweep(source);
  const errors = [...replies.values()].map(({err}) => err).filter(err => err !== '');
  if (rules.some(({resources}, i) => resources.length < (role.rules as Rule[])[i]!.resources.length)) {
    expect(denied.sort()).toEqual(['list /api/v1/nodes', 'list /apis/apps/v1/daemonsets']);
    expect(errors).not.toEqual([]);
    return;
  }
  await until(() =>
    [...server.lists.keys()].every(path =>
      server.requests.some(one => one.startsWith(`GET ${path}?`) && one.includes('watch')),
    ),
  );
  expect(denied).toEqual([]);
  expect(errors).toEqual([]);
});

test.each<[string, (server: ApiServer) => Trial | Promise<Trial>, RegExp]>([
  [
    'a token that is not known',
    () => ({user: {token: 'bad'}}),
    /does not know who asks by context “lab”.*Log in again/,
  ],
  ['no credentials', () => ({user: {}}), /does not know who asks/],
  [
    'a wrong CA of the same name',
    () => ({ca: createAuthority(join(folder, 'other')).cert}),
    /not signed by the CA of context “lab”.*Fetch its kubeconfig again/,
  ],
  ['no CA', () => ({cluster: {'certificate-authority-data': undefined}}), /not signed by the CA/],
  [
    'another name',
    ({port}) => ({server: `https://127.0.0.2:${port}`}),
    /is for other names.*127\.0\.0\.2.*tls-server-name/,
  ],
  ['another name by tls-server-name', () => ({cluster: {'tls-server-name': 'other'}}), /is for other names/],
  [
    'nothing that listens',
    () => ({server: 'https://127.0.0.1:1'}),
    /Nothing listens at the API server 127\.0\.0\.1:1/,
  ],
  [
    'a name that nobody knows',
    () => ({server: 'https://api.invalid:6443'}),
    /name of the API server api\.invalid:6443 is not known/,
  ],
  ['a broken CA', () => ({ca: 'no certificate'}), /is broken|not signed/],
])('%s: a sentence with the next step', async (_, trial, sentence) => {
  const server = await serve({tokens: () => ['good'], host: '0.0.0.0'});
  expect(await causeOf(ask(server.port, await trial(server)))).toMatch(sentence);
});

test('a server certificate that has expired', async () => {
  const server = await serve({pair: ca.issue('kube-apiserver', {names: ['IP:127.0.0.1'], days: -1})});
  expect(await causeOf(ask(server.port))).toMatch(
    /has expired\. Renew it there \(kubeadm certs renew apiserver\)/,
  );
});

test('client certificates are as good as tokens; one that has expired is told from one that is unknown', async () => {
  const server = await serve({tokens: () => []});
  const as = (client: Pair) => ({
    user: {
      'client-certificate': client.certFile,
      'client-key-data': Buffer.from(client.key).toString('base64'),
    },
  });
  expect((await sweep(ask(server.port, as(ca.issue('admin', {group: 'system:masters'}))))).swept).toBe(1);
  expect(await causeOf(ask(server.port, as(ca.issue('admin', {days: -1}))))).toMatch(
    /client certificate of the user “admin” expired on \d{4}-\d\d-\d\d/,
  );
});

test('what a person mended is found when asked anew: other credentials, another certificate', async () => {
  const server = await serve({tokens: () => ['good']});
  let token = 'bad';
  const source = createKubeSource({
    timing: hasty,
    connect: async () =>
      createClient({
        access: accessOf(
          [
            {
              name: 'config',
              text: kubeconfig({server: `https://127.0.0.1:${server.port}`, ca: ca.cert, user: {token}}),
            },
          ],
          undefined,
        ),
      }),
  });
  open.push(source);
  expect(await causeOf(source)).toMatch(/does not know who asks/);
  token = 'good';
  // It is no use to ask again with the same, and it is not done.
  const before = server.requests.length;
  expect((await sweep(source)).swept).toBe(0);
  expect(server.requests.length).toBe(before);
  source.redial!();
  await podsBecome(source, pods => pods.length === 9);
});

test('a server that is silent is given up, and is asked again by itself', async () => {
  const {createServer} = await import('node:net');
  const mute = createServer(socket => void socket.resume().on('error', () => {}));
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve));
  open.push({close: () => new Promise(resolve => mute.close(() => resolve()))});
  const {port} = mute.address() as {port: number};
  const source = ask(port, {connectSeconds: 0.2});
  expect(await causeOf(source)).toMatch(/did not answer within 0\.2 s.*--kube-via NODE/);
});

test('a list that takes its time holds up no other, and is not an empty one', async () => {
  const server = await serve();
  const asked = Promise.withResolvers<() => void>();
  server.handlers.push((url, response) => {
    if (url.pathname !== '/api/v1/pods' || url.searchParams.has('watch')) return false;
    const text = fixture('pods.json');
    response.write(text.slice(0, 1000));
    asked.resolve(() => response.end(text.slice(1000)));
    return true;
  });
  const impatient = reads().map(read => ({...read, reader: {...read.reader, timeout: 0.3}}));
  const source = ask(server.port);
  let {replies} = await sweep(source, impatient);
  const nodes = () => new TextDecoder().decode(replies.get('kube-nodes')?.out);
  // A machine that is busy may take longer to list the nodes too.
  await until(async () => {
    if (!nodes().includes('"name":"atlas"')) ({replies} = await sweep(source, impatient));
    return nodes().includes('"name":"atlas"');
  });
  expect(replies.get('kube-pods')!.err).toMatch(/has not listed pods within 0\.3 s/);
  const {node} = CLUSTER_FACTS[1]!.contribute(replies.get('kube-pods')!, {} as never);
  expect(node).toBeUndefined();
  (await asked.promise)();
  await podsBecome(source, pods => pods.length === 9);
});

test('an answer that breaks off in the middle is asked for again', async () => {
  const server = await serve();
  let broken = 0;
  server.handlers.push((url, response) => {
    if (url.pathname !== '/api/v1/pods' || broken++ > 0) return false;
    response.write(fixture('pods.json').slice(0, 20_000));
    setTimeout(() => response.destroy(), 20);
    return true;
  });
  const source = ask(server.port);
  await podsBecome(source, pods => pods.length === 9);
  expect(broken).toBeGreaterThan(1);
});

test('through a proxy, which the kubeconfig or the environment names', async () => {
  const {createServer} = await import('node:http');
  const {connect} = await import('node:net');
  const api = await serve({host: '127.0.0.2', pair: ca.issue('kube-apiserver', {names: ['IP:127.0.0.2']})});
  const asked: (string | undefined)[] = [];
  const proxy = createServer((_, response) => response.end());
  proxy.on('connect', (request, socket) => {
    asked.push(request.url);
    if (request.headers['proxy-authorization'] !== `Basic ${Buffer.from('me:pass').toString('base64')}`)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const onward = connect(api.port, '127.0.0.2', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) one.on('error', () => one.destroy());
    socket.on('close', () => onward.destroy());
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  open.unshift({close: () => new Promise(resolve => proxy.close(() => resolve()))});
  const {port} = proxy.address() as {port: number};
  const server = `https://127.0.0.2:${api.port}`;
  const trial = (as: string) =>
    ask(api.port, {server, cluster: {'proxy-url': `http://${as}@127.0.0.1:${port}`}});
  expect((await sweep(trial('me:pass'))).swept).toBe(1);
  expect(new Set(asked)).toEqual(new Set([`127.0.0.2:${api.port}`]));
  expect(await causeOf(trial('me:wrong'))).toMatch(
    /proxy 127\.0\.0\.1:\d+ does not lead to 127\.0\.0\.2:\d+: it answered 407/,
  );
  expect(await causeOf(ask(api.port, {cluster: {'proxy-url': 'socks5://127.0.0.1:1080'}}))).toMatch(
    /\(socks5\) is not one that hoptop speaks to/,
  );
});

test.each<[string, string, string | undefined, string | undefined]>([
  ['https://api.example.org:6443', 'http://proxy:3128', undefined, 'http://proxy:3128/'],
  ['https://api.example.org:6443', 'proxy:3128', '.example.org', undefined],
  ['https://api.example.org:6443', 'proxy:3128', 'example.org', undefined],
  ['https://api.example.org:6443', 'proxy:3128', 'other.org,api.example.org:443', 'http://proxy:3128/'],
  ['https://10.1.2.3:6443', 'proxy:3128', '10.0.0.0/8', undefined],
  ['https://11.1.2.3:6443', 'proxy:3128', '10.0.0.0/8', 'http://proxy:3128/'],
  ['https://127.0.0.1:6443', 'proxy:3128', undefined, undefined],
  ['https://api:6443', 'proxy:3128', '*', undefined],
])('the environment’s proxy to %s: HTTPS_PROXY %s, NO_PROXY %s → %s', (server, https, no, expected) => {
  const env = {HTTPS_PROXY: https, NO_PROXY: no};
  expect(proxyOf({server: new URL(server), context: 'lab'}, env)?.href).toBe(expected);
});

test('what the kubeconfig says not to verify is asked, and said', async () => {
  const api = await serve({pair: createAuthority(join(folder, 'strange')).issue('strange')});
  const text = {cluster: {'insecure-skip-tls-verify': true, 'certificate-authority-data': undefined}};
  const source = ask(api.port, text);
  const [ready] = await Promise.all([state(source, one => one.state === 'ready'), sweep(source)]);
  expect(ready.warning).toMatch(/not verified.*insecure-skip-tls-verify/);
});

test('a login program is told the cluster, asked once, and again when its token is refused', async () => {
  const program = join(folder, 'login.sh');
  const count = join(folder, 'count');
  writeFileSync(
    program,
    `#!/bin/sh\necho x >> ${count}\nn=$(wc -l < ${count})\ncase "$KUBERNETES_EXEC_INFO" in *'"server":"https://'*) ;; *) exit 3;; esac\nprintf '{"kind":"ExecCredential","status":{"token":"%s-%s"}}' "$WHO" $n\n`,
    {mode: 0o755},
  );
  let known = ['admin-1'];
  const server = await serve({tokens: () => known});
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: './login.sh',
    env: [{name: 'WHO', value: 'admin'}],
    interactiveMode: 'Never',
    provideClusterInfo: true,
  };
  const source = ask(server.port, {user: {exec}});
  expect((await sweep(source)).swept).toBe(1);
  known = ['admin-2'];
  await sweep(source);
  await until(() => server.watches('/api/v1/pods').length === 1);
  expect((await sweep(source)).swept).toBe(1);
  const missing = {...exec, command: 'no-such-login', installHint: 'Get it at example.org.'};
  expect(await causeOf(ask(server.port, {user: {exec: missing}}))).toMatch(
    /is not installed\. Get it at example\.org/,
  );
});
