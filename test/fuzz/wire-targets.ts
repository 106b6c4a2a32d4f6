/** What comes over the wire, or from a file of the person's: frames, recordings, kubeconfig, ssh's files. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {constants, zstdCompressSync, zstdDecompressSync} from 'node:zlib';
import {readInventory} from '../../source/cli/inventory.ts';
import {createAnswer} from '../../source/wire/answer.ts';
import {createSplitter} from '../../source/wire/frames.ts';
import type {KubeClient} from '../../source/wire/kube/client.ts';
import {KubeError} from '../../source/wire/kube/error.ts';
import {accessOf} from '../../source/wire/kube/kubeconfig.ts';
import {pagesOf, watchFrom} from '../../source/wire/kube/list.ts';
import {
  blockHeaderSize,
  decodeBlockHeader,
  encodeBlock,
  preambleSize,
} from '../../source/wire/recording/format.ts';
import {openRecording} from '../../source/wire/recording/reader.ts';
import type {Reader, Reply} from '../../source/wire/source.ts';
import {parseCertificate} from '../../source/wire/ssh/certificates.ts';
import {resolveTarget} from '../../source/wire/ssh/config.ts';
import {publicOfEncrypted} from '../../source/wire/ssh/keys.ts';
import {judge, knownTypes, parseKnownHosts} from '../../source/wire/ssh/known-hosts.ts';
import {parseJumps, parseTarget} from '../../source/wire/ssh/target.ts';
import {fixture} from '../facts/samples.ts';
import {bytes} from './mutate.ts';
import type {Target, Told} from './target.ts';

const text = (out: Uint8Array) => new TextDecoder().decode(out);
const NONCE = '00112233445566778899aabbccddeeff';

const LIMIT = 2000;

const readerOf = (scope: Reader['scope']): Reader => ({
  name: `${scope}@1`,
  fact: scope,
  scope,
  command: 'true',
  why: 'to test',
  limit: LIMIT,
  timeout: 10,
});

const frames: Target = {
  name: 'frames of a node',
  samples: [
    bytes(
      `${NONCE} N\n1000\n1001 /proc/2/ns/net\n\n${NONCE} B 0 1000\nhello\n${NONCE} E 0 5.00 5.01\n${NONCE} B 0 1001\nworld\n${NONCE} E 0 5.00 5.02\n${NONCE} D 0\n${NONCE} B 1 -\nnode\n${NONCE} E 0 5.00 5.02\n${NONCE} D 1\n${NONCE} V\n1001 /proc/2/ns/net\n${NONCE} T 1 6.00\n0m0.010000s 0m0.020000s\n0m0.010000s 0m0.020000s\n${NONCE} Z 1\n`,
    ),
    bytes(
      `${NONCE} e 0 1000\nbad\n${NONCE} e 0 1001\n${NONCE} d 0\n${NONCE} e 1 -\n${NONCE} d 1\n${NONCE} z 1\n`,
    ),
  ],
  run(out) {
    const reads = (['each-netns', 'node'] as const).map(scope => ({
      node: 'n',
      reader: readerOf(scope),
      scope,
    }));
    let rows = 0;
    const take = (reply: Reply) => {
      rows++;
      if (reply.out.length > LIMIT) throw new Error('A reply is larger than its reader may answer.');
    };
    const answer = createAnswer(
      'n',
      1,
      reads,
      () => 0,
      () => undefined,
      take,
      () => {},
    );
    // Cut into pieces at places that depend on the bytes, as a network does.
    for (const sink of [answer.out, answer.err]) {
      const feed = createSplitter(NONCE, sink);
      for (let at = 0; at < out.length; ) {
        const size = 1 + ((out[at]! * 7) % 900);
        feed(out.subarray(at, at + size));
        at += size;
      }
    }
    return {rows};
  },
};

const folder = mkdtempSync(join(tmpdir(), 'hoptop-fuzz-'));
process.on('exit', () => rmSync(folder, {recursive: true, force: true}));

function playWhole(out: Uint8Array): Told {
  const file = join(folder, `${process.pid}.hop`);
  writeFileSync(file, out);
  const recording = openRecording(file);
  try {
    let seen = 0;
    for (const at of [recording.from, ...recording.rounds.slice(0, 5), recording.to])
      seen += recording.read(at).size;
    seen += recording.between(recording.from, recording.to).length;
    recording.next(recording.from);
    return {
      rows: seen,
      gaps: [...recording.damage(), ...(recording.cut === undefined ? [] : [recording.cut])],
    };
  } finally {
    recording.close();
  }
}

const hop = readFileSync(new URL('../fixtures/lab-services.hop', import.meta.url));
const recordingBytes: Target = {
  name: 'recording, its bytes',
  samples: [new Uint8Array(hop)],
  throws: ['RecordingError'],
  every: 4,
  run: out => playWhole(out),
};

/** The first block of a recording, taken apart: what a checksum would hide from mutations. */
function sealed(summary: Buffer, raw: Buffer): Buffer {
  const metadata = hop.readUInt32LE(12);
  const start = preambleSize + metadata;
  const header = decodeBlockHeader(hop.subarray(start, start + blockHeaderSize))!;
  const block = {kind: header.kind, raw: raw.length, from: header.from, to: header.to};
  return Buffer.concat([hop.subarray(0, start), encodeBlock(block, summary, zstdCompressSync(raw))]);
}

const [firstSummary, firstRaw] = (() => {
  const start = preambleSize + hop.readUInt32LE(12);
  const header = decodeBlockHeader(hop.subarray(start, start + blockHeaderSize))!;
  const body = hop.subarray(
    start + blockHeaderSize,
    start + blockHeaderSize + header.summary + header.payload,
  );
  const flush = {finishFlush: constants.ZSTD_e_flush};
  return [
    body.subarray(0, header.summary),
    zstdDecompressSync(body.subarray(header.summary), flush),
  ] as const;
})();

const recordingRecords: Target = {
  name: 'recording, its records',
  samples: [new Uint8Array(firstRaw)],
  throws: ['RecordingError'],
  every: 4,
  run: out => playWhole(sealed(firstSummary, Buffer.from(out))),
};

const recordingSummary: Target = {
  name: 'recording, its summary',
  samples: [new Uint8Array(firstSummary)],
  throws: ['RecordingError'],
  every: 4,
  run: out => playWhole(sealed(Buffer.from(out.subarray(0, 1 << 20)), firstRaw)),
};

const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: c
  cluster: {server: "https://10.0.0.1:6443", certificate-authority-data: QUJD, tls-server-name: api, proxy-url: "http://p:3128"}
contexts:
- name: prod
  context: {cluster: c, user: u, namespace: shop}
users:
- name: u
  user:
    client-certificate: a.crt
    client-key-data: QUJD
    as: x
    as-groups: [a, b]
    as-user-extra: {k: [v]}
- name: e
  user:
    exec: {command: aws, args: [token], env: [{name: A, value: b}], apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}
`;

const kubeconfig: Target = {
  name: 'kubeconfig',
  samples: [bytes(KUBECONFIG), bytes(KUBECONFIG.replace('user: u,', 'user: e,'))],
  throws: ['KubeError'],
  run(out) {
    accessOf([{name: 'config', text: text(out), folder: '/nowhere'}], undefined);
    return {};
  },
};

const SSH_CONFIG = `Include ~/.ssh/more
Host *.example !bad.example
  User admin
  Port 2222
  ProxyJump root@jump:2200,other
  IdentityFile ~/.ssh/id_%h
  UserKnownHostsFile /dev/null ~/.ssh/known2
  ConnectTimeout 5
Match host worker-1 user root
  HostName 10.0.0.1
  HostKeyAlias alias
  ServerAliveInterval 3
Host *
  StrictHostKeyChecking accept-new
  HostKeyAlgorithms +ssh-rsa
`;
const person = {user: 'me', home: '/home/me', env: {}, uid: 1000, hostname: 'here'};

const sshConfig: Target = {
  name: 'ssh config',
  samples: [bytes(SSH_CONFIG)],
  throws: ['DialError'],
  run(out) {
    const configs = [{file: 'config', text: text(out)}];
    const hops = resolveTarget('worker-1', {}, configs, person);
    resolveTarget('a.example', {}, configs, person);
    return {rows: hops.length};
  },
};

const KNOWN = `worker-1,10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtlHgvDjRsm7rZbZ0sJkE6c5Yw1n5W6zV2bQ3u0QJtZ c
|1|c2FsdHNhbHRzYWx0c2FsdHNhbA==|aGFzaGhhc2hoYXNoaGFzaGhhc2g= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtlHgvDjRsm7rZbZ0sJkE6c5Yw1n5W6zV2bQ3u0QJtZ
@revoked *.bad ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtlHgvDjRsm7rZbZ0sJkE6c5Yw1n5W6zV2bQ3u0QJtZ
@cert-authority *.example,!x ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtlHgvDjRsm7rZbZ0sJkE6c5Yw1n5W6zV2bQ3u0QJtZ
[host]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtlHgvDjRsm7rZbZ0sJkE6c5Yw1n5W6zV2bQ3u0QJtZ
`;

const knownHosts: Target = {
  name: 'known_hosts',
  samples: [bytes(KNOWN)],
  run(out) {
    const entries = parseKnownHosts(text(out), 'known_hosts');
    judge(entries, 'worker-1', 22, Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIEtl', 'base64'));
    knownTypes(entries, 'host', 2222);
    parseCertificate(text(out));
    publicOfEncrypted(text(out));
    // What is not understood is left out in silence, as OpenSSH does it.
    return {};
  },
};

const targets: Target = {
  name: 'nodes as they are typed',
  samples: ['root@[fd00::1]:2222', 'ssh://user@host:22/', 'a@b@c', 'a,b,root@c:22'].map(bytes),
  throws: ['DialError'],
  run(out) {
    const typed = text(out.subarray(0, 1000));
    parseJumps(typed);
    parseTarget(typed);
    return {};
  },
};

const inventory: Target = {
  name: 'inventory',
  samples: [
    bytes('nodes:\n- {name: worker-1, host: 10.0.0.1, user: root, port: 22}\n- root@10.0.0.2\n'),
    bytes('- host: fd00::1\n  name: w\n- 10.0.0.3\n'),
  ],
  throws: ['UsageError'],
  async run(out) {
    const file = join(folder, `${process.pid}.yaml`);
    // The YAML library takes time by the square of its errors: of a file of the person's own that is bearable.
    writeFileSync(file, out.subarray(0, 20_000));
    return {rows: (await readInventory(file)).targets.length};
  },
};

const server = accessOf([{name: 'config', text: KUBECONFIG, folder: '/nowhere'}], undefined);

/** An API server that answers with these bytes, whatever it is asked. */
const clientOf = (status: number, out: Uint8Array): KubeClient => ({
  access: server,
  get: async () => ({
    status,
    body: Readable.from([Buffer.from(out.subarray(0, 3000)), Buffer.from(out.subarray(3000))]),
  }),
  broken: error => (error instanceof KubeError ? error : new KubeError(String(error), false)),
  close: () => {},
});

const kubeList: Target = {
  name: 'Kubernetes API, a list',
  samples: [
    fixture('kube/pods-page2.json'),
    fixture('kube/nodes.json'),
    fixture('kube/nodes-forbidden.json'),
    fixture('kube/pods-bad-continue.json'),
  ],
  throws: ['KubeError', 'Refused'],
  async run(out) {
    let rows = 0;
    for (const status of [200, 403]) {
      const asked = new AbortController().signal;
      for await (const {items} of pagesOf(clientOf(status, out), '/api/v1/pods', () => {}, asked)) {
        rows += items.length;
        // The same bytes would answer every page: a `continue` in them has no end.
        break;
      }
    }
    return {rows};
  },
};

const kubeWatch: Target = {
  name: 'Kubernetes API, a watch',
  samples: [fixture('kube/pods-watch.ndjson'), fixture('kube/pods-watch-gone.ndjson')],
  throws: ['KubeError', 'Refused'],
  async run(out) {
    let rows = 0;
    const {signal} = new AbortController();
    const end = await watchFrom(
      clientOf(200, out),
      '/api/v1/pods',
      '1',
      () => {},
      () => rows++,
      0,
      signal,
    );
    return {rows, gaps: end === 'expired' ? ['all is listed anew'] : []};
  },
};

export const wireTargets: readonly Target[] = [
  frames,
  recordingBytes,
  recordingRecords,
  recordingSummary,
  kubeconfig,
  sshConfig,
  knownHosts,
  targets,
  inventory,
  kubeList,
  kubeWatch,
];
