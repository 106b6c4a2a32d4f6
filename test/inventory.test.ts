import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {chooseOrigin} from '../source/cli/targets.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoptop-inventory-'));
  file = join(folder, 'nodes.yaml');
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

const read = async (text: string, nodes?: readonly string[]) => {
  writeFileSync(file, text);
  const origin = await chooseOrigin({inventory: file, ...(nodes ? {nodes} : {})});
  return origin.kind === 'ssh' ? origin.targets : [];
};

const WHOLE = `
user: root
jump: me@bastion:2222
nodes:
  - {name: cp-1, host: 10.0.0.11, kubernetes: ip-10-0-0-11.ec2.internal, jump: none}
  - ops@10.0.0.12:2200
  - fd00::13
groups:
  edge: [cp-1, "10.0.0.12:2200"]
  workers:
    port: 2022
    jump: gate,inner
    nodes:
      - {name: w-1, host: 'fd00::21', user: admin}
      - 10.0.0.22
      - fd00::23
`;

test('what stands above counts where a node says nothing itself; the order is kept', async () => {
  expect(await read(WHOLE)).toEqual([
    {id: 'cp-1', target: 'root@10.0.0.11', jump: 'none', kubernetes: 'ip-10-0-0-11.ec2.internal'},
    {id: '10.0.0.12:2200', target: 'ops@10.0.0.12:2200', jump: 'me@bastion:2222'},
    {id: 'fd00::13', target: 'root@fd00::13', jump: 'me@bastion:2222'},
    {id: 'w-1', target: 'admin@[fd00::21]:2022', jump: 'gate,inner'},
    {id: '10.0.0.22', target: 'root@10.0.0.22:2022', jump: 'gate,inner'},
    {id: 'fd00::23', target: 'root@[fd00::23]:2022', jump: 'gate,inner'},
  ]);
  expect(await read('- a\n- root@b:23\n')).toEqual([
    {id: 'a', target: 'a'},
    {id: 'b:23', target: 'root@b:23'},
  ]);
});

test('--nodes chooses among them, by name and by group, in the order that was typed', async () => {
  const ids = async (...nodes: string[]) => (await read(WHOLE, nodes)).map(({id}) => id);
  expect(await ids('@workers,cp-1')).toEqual(['w-1', '10.0.0.22', 'fd00::23', 'cp-1']);
  expect(await ids('@edge', 'cp-1')).toEqual(['cp-1', '10.0.0.12:2200']);
  await expect(ids('@nope')).rejects.toThrow(/has no group @nope\. Its groups: @edge, @workers\.$/);
  await expect(ids('cp-2')).rejects.toThrow(/has no node “cp-2”\. Its nodes: cp-1, 10\.0\.0\.12:2200, /);
  await expect(chooseOrigin({nodes: ['@edge']})).rejects.toThrow(/--inventory FILE --nodes @edge/);
});

test('a pattern stands for the hosts that ssh’s configuration names, included ones too', async () => {
  const config = join(folder, 'config');
  writeFileSync(join(folder, 'more'), 'Host worker-3\n  User x\n');
  writeFileSync(
    config,
    `Include ${join(folder, 'more')}\nHost worker-1 w1\n  Port 23\nHost worker-* !worker-9\n  User ops\nMatch all\n  User z\nHost cp-1 worker-2\n`,
  );
  const targets = async (...nodes: string[]) => {
    const origin = await chooseOrigin({nodes, 'ssh-config': config});
    return origin.kind === 'ssh' ? origin.targets.map(({target}) => target) : [];
  };
  expect(await targets('worker-*')).toEqual(['worker-3', 'worker-1', 'worker-2']);
  expect(await targets('root@w?:24,cp-*', 'cp-1')).toEqual(['root@w1:24', 'cp-1']);
  await expect(targets('db-*')).rejects.toThrow(
    /No host of .*config is called like "db-\*"\. It names worker-3, worker-1, w1, cp-1, worker-2\.$/,
  );
  await expect(chooseOrigin({nodes: ['a*'], 'ssh-config': 'none'})).rejects.toThrow(/It names no host/);
});

test.each([
  [
    'nodes:\n  - {name: a, host: 10.0.0.1}\n  - {name: b}\n',
    /at line 3: this node has no host\. Write nodes:/,
  ],
  [
    'nodes:\n  - {name: a, host: 10.0.0.1,\n     port: 99999}\n',
    /at line 3: port is a number from 1 to 65535/,
  ],
  [
    'nodes:\n  - name: a\n    host: 10.0.0.1\n    usr: root\n',
    /at line 4: “usr” is not known here; it may have name,/,
  ],
  ['nodes:\n  - a\n  - name: a\n    host: b\n', /at line 3: the node “a” is named twice/],
  ['nodes:\n  - a\n  - -oProxyCommand=x\n', /at line 3: .*that is no host name/],
  ['nodes:\n  - {host: a, jump: "b,,c"}\n', /at line 2: "" is not a node/],
  ['nodes: [a]\ngroups:\n  edge:\n    - {host: b, user: [x]}\n', /at line 4: user is a word/],
  ['nodes: [a]\ngroups:\n  edge: b\n', /at line 3: a list of nodes is expected/],
  ['nodes: [a]\ngroups: [b]\n', /at line 2: groups is a mapping/],
  ['nodes: [a]\nworkers: [b]\n', /at line 2: “workers” is not known here; it may have nodes, groups, user/],
  ['nodes:\n  - {a\n  - b\n', /is broken YAML at line \d: /],
  ['hello\n', /is not a list of nodes\. Write nodes:/],
])('what is wrong is said with its line: %j', async (text, says) => {
  await expect(read(text)).rejects.toThrow(says);
  await expect(read(text)).rejects.toMatchObject({name: 'UsageError'});
});
