/** `hoptop import` as it is typed: the built program, its files, words and exit statuses. */
import {spawnSync} from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SEED = join(ROOT, 'test/fixtures/seed');
const NODES = join(ROOT, 'test/fixtures/three-node');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoptop-import-'));
  const built = spawnSync(process.execPath, ['source/build.ts'], {cwd: ROOT, encoding: 'utf8'});
  expect(built.stderr).toBe('');
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

function hoptop(...words: string[]) {
  const {status, stdout, stderr} = spawnSync(process.execPath, ['source/launcher.cjs', ...words], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 30_000,
    maxBuffer: 64 << 20,
    env: {...process.env, HOME: folder},
  });
  return {status, stdout, stderr};
}

const at = (name: string) => join(folder, name);

test('the seed becomes a recording that answers, readable by its owner only', () => {
  const target = at('seed.hop');
  const made = hoptop(
    'import',
    ...['get-nodes-wide.txt', 'ifconfig.txt', 'netstat-antp-cilium.txt', 'ps-eaf-2029.txt'].map(name =>
      join(SEED, name),
    ),
    target,
  );
  expect(made.stderr).toBe('');
  expect(made.status).toBe(0);
  expect(made.stdout).toContain('k8s-01: ');
  expect(made.stdout).toContain(`hoptop overview --from ${target}`);
  expect(statSync(target).mode & 0o777).toBe(0o600);
  const overview = hoptop('overview', '--from', target);
  expect(overview.status).toBe(0);
  expect(overview.stdout).toMatch(
    /^k8s-01 +pasted +Ready +control-plane +15d +v1\.28\.2 +192\.168\.0\.67 +<none>/m,
  );
  expect(overview.stdout).toMatch(/^k8s-02 +not read +Ready +<none> +15d +v1\.28\.2 +192\.168\.0\.193/m);
  const mesh = hoptop('mesh', '--from', target);
  expect(mesh.stdout).toMatch(/^192\.168\.0\.108 +~ node +k8s-03/m);
  expect(mesh.stdout).toMatch(/^10\.0\.2\.251 +~ health endpoint/m);
});

test('three nodes of a directory: pods, and the way between two of them', () => {
  const target = at('three.hop');
  const made = hoptop('import', NODES, target);
  expect(made.status).toBe(0);
  // What was not recognised is told with its first line and why, and nothing else is.
  expect(made.stderr.trimEnd().split('\n')).toEqual(
    ['atlas', 'borea', 'cairn'].map(node =>
      expect.stringMatching(`^hoptop: not recognised: ${node}/pod-pid\\.txt:2: .*begins with “\\d+”`),
    ),
  );
  const path = hoptop('path', 'shop/web-5cc498b648-5qkgs', 'shop/web-5cc498b648-6xlns', '--from', target);
  expect(path.stdout).toContain('It arrives at shop/web-5cc498b648-6xlns.');
  // No environment of a container, and no path of this machine, is in it.
  const text = hoptop('processes', '-o', 'json', '--from', target).stdout;
  expect(text).not.toContain(folder);
});

test('the time is the file’s, or what is told', () => {
  const paste = at('paste.txt');
  writeFileSync(paste, readFileSync(join(SEED, 'netstat-antp-cilium.txt')));
  utimesSync(paste, new Date('2024-02-18T10:00:00Z'), new Date('2024-02-18T10:00:00Z'));
  hoptop('import', paste, at('by-file.hop'));
  expect(JSON.parse(hoptop('overview', '-o', 'json', '--from', at('by-file.hop')).stdout).at).toBe(
    '2024-02-18T10:00:00.000Z',
  );
  hoptop('import', paste, at('told.hop'), '--at', '2024-02-19T09:00:00Z', '--node', 'w1');
  const told = JSON.parse(hoptop('overview', '-o', 'json', '--from', at('told.hop')).stdout);
  expect([told.at, told.nodes[0].name]).toEqual(['2024-02-19T09:00:00.000Z', 'w1']);
});

test('secrets of what was pasted are not in the recording', () => {
  const paste = at('secrets.txt');
  writeFileSync(
    paste,
    'UID          PID    PPID  C STIME TTY          TIME CMD\nroot        2029    1386  0 Feb09 ?        02:05:56 mysqld --password=PLANTED --port=3306\n',
  );
  hoptop('import', paste, at('secrets.hop'));
  const {stdout} = hoptop('processes', '--from', at('secrets.hop'));
  expect(stdout).toContain('--password=*** --port=3306');
  expect(stdout).not.toContain('PLANTED');
});

describe('what is wrong is one sentence, exit 1, and no file', () => {
  beforeAll(() => {
    mkdirSync(at('empty'));
    mkdirSync(at('strange'));
    mkdirSync(at('dir.hop'));
    writeFileSync(at('strange/note.txt'), 'hello\n');
    writeFileSync(at('taken.hop'), 'mine\n');
    symlinkSync('/etc/passwd', at('empty/link'));
  });
  const netstat = join(SEED, 'netstat-antp-cilium.txt');

  test.each([
    ['no words', [], /Usage: hoptop import DIR\|FILE… FILE\.hop/],
    ['one word', [netstat], /Usage: hoptop import/],
    ['no recording to write', [netstat, 'out.txt'], /does not end in \.hop/],
    ['a file that is not there', ['nowhere.txt', 'OUT'], /There is no file or directory nowhere\.txt\./],
    [
      'an empty directory',
      ['EMPTY', 'OUT'],
      /Nothing in .*empty is the output of a tool that hoptop knows: nothing was written/,
    ],
    ['nothing recognised', ['STRANGE', 'OUT'], /not recognised: note\.txt:1: .*“hello”.*\n.*Nothing in/s],
    ['a file that exists', [netstat, 'TAKEN'], /taken\.hop exists already.*--force/],
    ['a directory in its place', [netstat, 'DIR.HOP'], /dir\.hop is no file/],
    [
      'a recording',
      [join(ROOT, 'demo/demo.hop'), 'OUT'],
      /is a recording already: open it with `hoptop play/,
    ],
    ['a time that is none', [netstat, 'OUT', '--at', 'noon'], /--at takes an ISO time/],
    ['a place that is not there', [netstat, 'FAR'], /no directory/],
  ])('%s', (_, words, sentence) => {
    const places: Record<string, string> = {
      OUT: at('out.hop'),
      EMPTY: at('empty'),
      STRANGE: at('strange'),
      TAKEN: at('taken.hop'),
      'DIR.HOP': at('dir.hop'),
      FAR: at('far/away.hop'),
    };
    const {status, stdout, stderr} = hoptop('import', ...words.map(word => places[word] ?? word));
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe('');
    expect(status).toBe(1);
    expect(() => statSync(at('out.hop'))).toThrow();
    expect(readFileSync(at('taken.hop'), 'utf8')).toBe('mine\n');
  });

  test('--force writes over it, but not when nothing was recognised', () => {
    expect(hoptop('import', at('strange'), at('taken.hop'), '--force').status).toBe(1);
    expect(readFileSync(at('taken.hop'), 'utf8')).toBe('mine\n');
    expect(hoptop('import', netstat, at('taken.hop'), '--force').status).toBe(0);
    expect(hoptop('overview', '--from', at('taken.hop')).status).toBe(0);
  });
});

describe('names that came from elsewhere do not reach the terminal raw', () => {
  const ESC = '\u001b';

  test('of a node: refused', () => {
    const folder = at('hostile');
    mkdirSync(join(folder, `n1${ESC}[31m`), {recursive: true});
    writeFileSync(
      join(folder, `n1${ESC}[31m`, 'netstat.txt'),
      readFileSync(join(SEED, 'netstat-antp-cilium.txt')),
    );
    const {status, stdout, stderr} = hoptop('import', folder, at('hostile.hop'));
    expect(stdout + stderr).not.toContain(ESC);
    expect(stderr).toMatch(/"n1\ufffd\[31m" cannot be the name of a node.*--node NAME/);
    expect(status).toBe(1);
    expect(() => statSync(at('hostile.hop'))).toThrow();
    expect(hoptop('import', folder, at('hostile.hop'), '--node', 'n1').status).toBe(0);
  });

  test('of a file that is not recognised', () => {
    const folder = at('hostile-file');
    mkdirSync(folder);
    writeFileSync(join(folder, 'netstat.txt'), readFileSync(join(SEED, 'netstat-antp-cilium.txt')));
    writeFileSync(join(folder, `x${ESC}]0;y\u202e.txt`), 'hello\n');
    const {status, stdout, stderr} = hoptop('import', folder, at('hostile-file.hop'));
    expect(stderr).toContain('not recognised: x\ufffd]0;y\ufffd.txt:1');
    expect(stdout + stderr).not.toMatch(/[\u001b\u202e]/);
    expect(status).toBe(0);
  });
});

test('help tells what is recognised', () => {
  const {stdout} = hoptop('help', 'import');
  for (const word of [
    'netstat -antup',
    'ifconfig -a',
    'kubectl get nodes -o wide',
    'conntrack -L',
    'iptables-save',
    '--node',
    '--at',
    '--force',
  ])
    expect(stdout).toContain(word);
});

describe('files that nothing says the node of', () => {
  const heading =
    'Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n';
  const listens = (address: string, port: number) =>
    `tcp        0      0 ${address}:${port}         0.0.0.0:*               LISTEN      901/kubelet\n`;
  const two = (name: string, files: Record<string, string>) => {
    mkdirSync(at(name));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(at(name), file), text);
    return at(name);
  };
  const a = heading + listens('10.7.0.11', 10250);
  const b = `${heading}${listens('10.7.0.12', 10250)}tcp        0      0 10.7.0.12:33888         10.7.0.11:6443          ESTABLISHED 901/kubelet\n`;

  test('two that disagree are not made one node: both are named, and nothing is written', () => {
    const folder = two('two', {'a.txt': a, 'b.txt': b});
    const made = hoptop('import', folder, at('two.hop'));
    expect(made.status).toBe(1);
    expect(made.stderr).toContain('a.txt and b.txt show different sockets');
    expect(made.stderr).toContain('--node');
    expect(() => statSync(at('two.hop'))).toThrow();
  });

  test('said to be of one node, what is left out is told', () => {
    const folder = two('one', {'a.txt': a, 'b.txt': b});
    const made = hoptop('import', folder, at('one.hop'), '--node', 'cp-1');
    expect(made.status).toBe(0);
    expect(made.stdout).toContain('cp-1: 1 socket of b.txt is left out, since a.txt shows the same kinds');
    expect(hoptop('sockets', 'cp-1', '--from', at('one.hop')).stdout).toContain(
      '1 socket of b.txt is left out',
    );
  });

  test('local addresses that no interface has are told', () => {
    const addr =
      '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP group default qlen 1000\n    link/ether 52:54:00:00:00:0b brd ff:ff:ff:ff:ff:ff\n    inet 10.7.0.12/24 brd 10.7.0.255 scope global eth0\n       valid_lft forever preferred_lft forever\n';
    const folder = two('contradicting', {'a.txt': a, 'addr.txt': addr});
    const made = hoptop('import', folder, at('contradicting.hop'));
    expect(made.stdout).toContain('the local addresses in a.txt (10.7.0.11) are none of those');
  });
});
