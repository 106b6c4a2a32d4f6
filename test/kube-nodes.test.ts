/** Nodes that the Kubernetes API lists, over SSH: those that join it later are read, those that leave are said. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {driveLive} from '../source/live.ts';
import type {NodeStatus} from '../source/session.ts';
import {openSource} from '../source/sources.ts';
import {headless} from '../source/wire/prompter.ts';
import {type ApiServer, kubeconfig, startApiServer} from './wire/kube/api-server.ts';
import {createAuthority} from './wire/kube/certificates.ts';
import {knownHosts} from './wire/ssh/setup.ts';
import {makeKey, missing, type Sshd, startSshd} from './wire/ssh/sshd.ts';

type NodeObject = {
  metadata: {name: string; uid: string; resourceVersion: string};
  status: {addresses: {type: string; address: string}[]};
};
const NODES = '/api/v1/nodes';
const cannot = missing();
let folder: string;
let api: ApiServer;
let sshd: Sshd;

beforeAll(async () => {
  if (cannot !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'hoptop-nodes-'));
  const ca = createAuthority(join(folder, 'ca'));
  api = await startApiServer({ca, pair: ca.issue('kube-apiserver', {names: ['IP:127.0.0.1']})});
  writeFileSync(
    join(folder, 'config'),
    kubeconfig({server: `https://127.0.0.1:${api.port}`, ca: ca.cert, user: {}}),
  );
  sshd = await startSshd();
  sshd.authorize(makeKey(join(folder, 'key')));
});
afterAll(async () => {
  if (cannot !== undefined) return;
  await Promise.all([sshd.stop(), api.close()]);
  rmSync(folder, {recursive: true, force: true});
});

test.skipIf(cannot !== undefined)(
  'a node that joins is dialled and read; one that leaves is said to, until it is back; one that moved is dialled there',
  async () => {
    const list = api.lists.get(NODES)!;
    const items = (list.items as NodeObject[]).slice(0, 2);
    const at = (node: NodeObject, name: string, address: string): NodeObject => ({
      ...node,
      metadata: {...node.metadata, name, uid: `uid-${name}`},
      status: {...node.status, addresses: [{type: 'InternalIP', address}]},
    });
    const [one, two] = [at(items[0]!, 'one', '127.0.0.1'), at(items[1]!, 'two', '127.0.0.99')];
    api.lists.set(NODES, {...list, items: [one, two]});
    const flags = {
      kubeconfig: join(folder, 'config'),
      'ssh-config': 'none',
      identity: [join(folder, 'key')],
      'known-hosts': knownHosts(folder, sshd.known),
      port: String(sshd.port),
      login: 'root',
    };
    const start = {origin: {kind: 'kube'}, every: 0.1, speed: 1, play: true, loop: false, flags} as const;
    const source = await openSource(start, headless);
    expect(source.nodes).toEqual(['one', 'two']);
    const changed = new Set<() => void>();
    const drive = driveLive({
      source,
      label: 'ssh',
      every: 0.1,
      record: () => Promise.reject(new Error('Nothing is recorded here.')),
      changed: () => {
        for (const wake of changed) wake();
      },
    });
    const until = (name: string, is: (status: NodeStatus) => boolean) =>
      new Promise<NodeStatus>(resolve => {
        const look = () => {
          const status = drive
            .world()
            .statuses()
            .find(({id}) => id === name);
          if (!status || !is(status)) return;
          changed.delete(look);
          resolve(status);
        };
        changed.add(look);
        look();
      });
    let version = 1_000_000;
    const say = (type: string, object: NodeObject) => {
      version += 1;
      const line = {...object, metadata: {...object.metadata, resourceVersion: `${version}`}};
      for (const watch of api.watches(NODES)) watch.write(`${JSON.stringify({type, object: line})}\n`);
    };
    await until('one', ({sweep}) => sweep > 0);
    while (api.watches(NODES).length === 0) await new Promise(resolve => setTimeout(resolve, 20));

    say('ADDED', at(items[0]!, 'later', '127.0.0.1'));
    await until('later', ({sweep}) => sweep > 1);
    expect(source.nodes).toEqual(['one', 'two', 'later']);

    say('DELETED', one);
    const left = await until('one', ({warning}) => warning !== undefined);
    expect(left.warning).toMatch(/^The Kubernetes API lists one no more, since \d\d:\d\d:\d\d UTC\.$/);
    say('ADDED', one);
    await until('one', ({warning}) => warning === undefined);

    expect((await until('two', ({state}) => state === 'lost')).cause).toContain('127.0.0.99');
    say('MODIFIED', at(items[1]!, 'two', '127.0.0.1'));
    await until('two', ({sweep}) => sweep > 0);
    await drive.close();
  },
);
