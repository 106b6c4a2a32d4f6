/** The kubeconfig as kubectl reads it (client-go, tools/clientcmd). */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {KubeError} from '../../../source/wire/kube/error.ts';
import {accessOf, type ConfigFile, inCluster, readFiles} from '../../../source/wire/kube/kubeconfig.ts';

const file = (text: string, name = '/home/p/.kube/config'): ConfigFile => ({
  name,
  text,
  folder: '/home/p/.kube',
});

const ONE = `apiVersion: v1
kind: Config
current-context: lab
contexts:
- {name: lab, context: {cluster: c1, user: u1}}
- {name: other, context: {cluster: c2, user: u2}}
clusters:
- name: c1
  cluster: {server: 'https://10.0.0.1:6443', certificate-authority: ca.crt, tls-server-name: kubernetes}
- {name: c2, cluster: {server: 'https://10.0.0.2:6443', insecure-skip-tls-verify: true}}
users:
- {name: u1, user: {client-certificate: certs/u1.crt, client-key-data: aGVsbG8=}}
- {name: u2, user: {token: two, as: jane, as-groups: [dev, ops]}}
`;

test('contexts, clusters and users; files beside the one that names them, data in it', () => {
  expect(accessOf([file(ONE)], undefined)).toMatchObject({
    context: 'lab',
    server: new URL('https://10.0.0.1:6443'),
    ca: {file: '/home/p/.kube/ca.crt'},
    serverName: 'kubernetes',
    insecure: false,
    user: {name: 'u1', cert: {file: '/home/p/.kube/certs/u1.crt'}, key: {data: Buffer.from('hello')}},
  });
  expect(accessOf([file(ONE)], 'other')).toMatchObject({
    server: new URL('https://10.0.0.2:6443'),
    insecure: true,
    user: {
      token: {data: Buffer.from('two')},
      impersonate: {'Impersonate-User': 'jane', 'Impersonate-Group': ['dev', 'ops']},
    },
  });
});

test('several files are one: the first that names a thing wins, the first current context counts', () => {
  const first = `contexts: [{name: mine, context: {cluster: c1, user: u2}}]
users: [{name: u2, user: {token: first}}]`;
  const access = accessOf([file(first, '/a'), file(ONE)], undefined);
  expect(access).toMatchObject({context: 'lab', user: {name: 'u1'}});
  expect(accessOf([file(first, '/a'), file(ONE)], 'mine').user.token).toEqual({data: Buffer.from('first')});
  expect(accessOf([file(first, '/a'), file(ONE)], 'other').user.token).toEqual({data: Buffer.from('first')});
});

test('inline data goes before a file, a token’s file before the token beside it', () => {
  const text = ONE.replace(
    'certificate-authority: ca.crt',
    'certificate-authority: ca.crt, certificate-authority-data: YQ==',
  ).replace('token: two', 'token: two, tokenFile: token');
  expect(accessOf([file(text)], undefined).ca).toEqual({data: Buffer.from('a')});
  expect(accessOf([file(text)], 'other').user.token).toEqual({file: '/home/p/.kube/token'});
});

describe('what is wrong is a sentence', () => {
  test.each<[string, string, string | undefined, RegExp]>([
    ['no such context', ONE, 'nope', /has no context “nope”\. It has: lab, other\./],
    [
      'no current context',
      ONE.replace('current-context: lab', ''),
      undefined,
      /has no current context\. It has: lab, other\. Choose one with --context/,
    ],
    ['nothing at all', '', undefined, /has no current context\. It has none\./],
    [
      'a cluster that is missing',
      ONE.replace('cluster: c1, user', 'cluster: c9, user'),
      undefined,
      /names a cluster “c9” that is not in it/,
    ],
    [
      'a user that is missing',
      ONE.replace('user: u1}', 'user: u9}'),
      undefined,
      /names a user “u9” that is not in it/,
    ],
    [
      'no server',
      ONE.replace("server: 'https://10.0.0.1:6443', ", ''),
      undefined,
      /has no address of an API server/,
    ],
    ['no mapping', '- a\n- b', undefined, /is no kubeconfig/],
    [
      'a plugin that kubectl gave up',
      ONE.replace('token: two', 'auth-provider: {name: gcp}'),
      'other',
      /auth-provider “gcp”, which kubectl has given up/,
    ],
  ])('%s', (_, text, context, sentence) => {
    expect(() => accessOf([file(text)], context)).toThrow(sentence);
  });

  test('broken YAML names the line and shows nothing of it', () => {
    const broken = `${ONE}  token: "s3cret\n`;
    expect(() => accessOf([file(broken)], undefined)).toThrow(/is broken YAML at line \d+\.$/);
    expect(() => accessOf([file(broken)], undefined)).not.toThrow(/s3cret/);
  });

  test('of a file that was read from a node, no program is run and no file of here is read', () => {
    const {folder: _, ...there} = file(ONE);
    expect(() => accessOf([there], 'lab')).toThrow(/names a file of its own machine \(ca\.crt\).*--flatten/);
    const exec = ONE.replace('token: two', 'exec: {command: rm, args: [-rf]}');
    expect(() => accessOf([{...there, text: exec}], 'other')).toThrow(
      /logs in with a program, which is not run/,
    );
  });
});

test('whatever the text, it is an access or a sentence', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('lab', 'c1', 'u1', 'https://a:1'),
    fc.constant(null),
    fc.integer(),
  );
  const config = fc.record({
    'current-context': word,
    contexts: fc.oneof(
      word,
      fc.array(fc.record({name: word, context: fc.oneof(word, fc.record({cluster: word, user: word}))})),
    ),
    clusters: fc.oneof(
      word,
      fc.array(fc.record({name: word, cluster: fc.oneof(word, fc.record({server: word}))})),
    ),
    users: fc.oneof(
      word,
      fc.array(fc.record({name: word, user: fc.oneof(word, fc.record({token: word, exec: word}))})),
    ),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        config.map(value => JSON.stringify(value)),
        fc.string(),
      ),
      text => {
        try {
          accessOf([file(text)], undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(KubeError);
        }
      },
    ),
  );
});

describe('files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hoptop-kubeconfig-'));
    writeFileSync(join(folder, 'a'), ONE);
  });
  afterAll(() => rmSync(folder, {recursive: true, force: true}));

  test('of $KUBECONFIG those that are missing are left out; one that was named must be there', async () => {
    const [there, not] = [join(folder, 'a'), join(folder, 'b')];
    expect((await readFiles([not, there], false)).map(({name}) => name)).toEqual([there]);
    await expect(readFiles([not], true)).rejects.toThrow(
      /could not be read: there is no such file\. Name another/,
    );
  });
});

test('in a pod', () => {
  expect(inCluster({})).toBeUndefined();
  expect(
    inCluster({KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443'}, '/sa'),
  ).toMatchObject({
    server: new URL('https://[fd00::1]:443'),
    ca: {file: '/sa/ca.crt'},
    user: {token: {file: '/sa/token'}},
  });
});
