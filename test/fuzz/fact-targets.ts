/** Every fact with its reader's own form and each pasted one. */

import {recognise} from '../../source/cli/import/recognise.ts';
import {FACTS, redact} from '../../source/facts/catalogue.ts';
import {CLUSTER_FACTS} from '../../source/facts/cluster.ts';
import type {Contribution, Fact} from '../../source/facts/fact.ts';
import {parseIdentity} from '../../source/facts/identity.ts';
import {NAMESPACES} from '../../source/facts/namespaces.ts';
import {encodePieces, PASTED} from '../../source/facts/pieces.ts';
import type {Snapshot} from '../../source/facts/snapshot.ts';
import {CLUSTER, type Reply} from '../../source/wire/source.ts';
import {bytes, captured, emptySnapshot, fixture, fixtureNames, reply} from '../facts/samples.ts';
import {filesBelow} from '../import/imported.ts';
import {joined} from './mutate.ts';
import type {Target, Told} from './target.ts';

const INODE = '4026532460';

const soFar: Snapshot = emptySnapshot({
  hostNetns: '4026531840',
  identity: {
    sweep: 1,
    at: '',
    uptime: 1,
    value: parseIdentity(fixture('node/node-a.identity.txt')).identity!,
  },
  ...NAMESPACES.contribute(reply('namespaces', fixture('node/node-a.namespaces.txt')), emptySnapshot()).node,
});

function samplesOf(fact: Fact): Uint8Array[] {
  const own = fixtureNames('node')
    .filter(name => name.endsWith(`.${fact.name}.txt`))
    .map(name => fixture(`node/${name}`));
  if (fact.name === 'sockets') own.push(...fixtureNames('ss').map(name => fixture(`ss/${name}`)));
  if (fact.name === 'owners') own.push(captured('three-node/atlas/fd-sockets.txt'));
  if (fact.name === 'memberships') own.push(captured('three-node/atlas/cgroups.txt').subarray(0, 4000));
  if (fact.name === 'sandboxes') {
    const id = '19ea7db8e95f244bb457b07dab317f9eb17ba9ce76a6c681e4c56ff85a4f2e3c';
    const config = new TextDecoder().decode(fixture(`three-node/atlas/containerd/${id}/config.json`));
    const found = config.match(
      /"io\.kubernetes\.cri\.(container-type|sandbox-(id|name|namespace|uid))":"[^"]*"/g,
    )!;
    own.push(bytes(found.map(line => `/run/x/k8s.io/${id}/config.json:${line}\n`).join('')));
  }
  if (fact.name === 'conntrack') {
    const pid = soFar.members!.value.find(member => member.pid !== undefined)!.pid;
    own.push(joined(bytes(`! file\n@ ${pid} 00000006 all\n`), fixture('conntrack/shapes-proc.txt')));
  }
  if (fact.name === 'netfilter') {
    own.push(fixture('netfilter/lab-worker-1.txt'));
    const nft = ['kube-proxy.nft.json', 'inet-families.nft.json'].map(name => fixture(`netfilter/${name}`));
    for (const out of nft) own.push(joined(bytes('@ nft\n'), out, bytes('\n= 0\n! done\n')));
    const vs =
      'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\nTCP  0A600001:01BB rr persistent 10800 FFFFFFFF\n  -> C0A84D0B:192B      Masq    1      2          3\n';
    own.push(bytes(`@ ip_vs\n${vs}= 0\n@ bpf\ncilium_lb4_services_v2\n= 0\n! done\n`));
  }
  if (fact.name.startsWith('kube-')) {
    const names = {
      'kube-nodes': ['nodes', 'nodes-forbidden'],
      'kube-pods': ['pods', 'pods-page1'],
      'kube-workloads': ['daemonsets', 'deployments', 'statefulsets'],
    }[fact.name];
    for (const name of names ?? []) own.push(fixture(`kube/${name}.json`));
  }
  return own.filter(out => out.length > 0);
}

/** As the sweep gives it to a fact, before and after its secrets are taken out. */
function told(fact: Fact, out: Uint8Array, more: Partial<Reply>): Told {
  const scope = fact.reader.scope === 'node' ? {} : {netns: INODE};
  const node = fact.reader.api ? {node: CLUSTER} : {};
  const ask = (said: Uint8Array): Contribution => {
    const one = reply(fact.name, said, {...scope, ...node, ...more});
    return fact.collect ? fact.collect([one], soFar) : fact.contribute(one, soFar);
  };
  const first = ask(out);
  ask(redact(fact.name, out, more.reader));
  return {rows: rowsOf(first), gaps: (first.gaps ?? []).map(({reason}) => reason)};
}

/** Rows of every table and list in what a fact contributes. */
function rowsOf({node, netns}: Contribution): number {
  let rows = 0;
  const count = (value: unknown) => {
    if (Array.isArray(value)) rows += value.length;
    else if (value instanceof Map) rows += value.size;
    else if (typeof value === 'object' && value !== null && 'count' in value) rows += Number(value.count);
  };
  for (const part of [node ?? {}, ...(netns?.values() ?? [])])
    for (const dated of Object.values(part))
      if (typeof dated === 'object' && dated !== null && 'value' in dated) count(dated.value);
  return rows;
}

const read: Target[] = [...FACTS, ...CLUSTER_FACTS].map(fact => ({
  name: `reader ${fact.name}`,
  samples: samplesOf(fact),
  run: out => told(fact, out, {reader: fact.reader.name}),
}));

/** What a poor node is read by: samples of the readers behind the best one, each as it prints. */
const POOR: Readonly<Record<string, readonly string[]>> = {
  'proc-network@1': ['network-busybox-host', 'network-nettools-pod', 'network-bare-pod'],
  'net-tools@1': ['net-tools-host', 'net-tools-busybox'],
  'ip-batch-text@1': ['ip-batch'],
  'proc-sockets@1': ['sockets-proc', 'sockets-proc-pod'],
  'netstat@1': ['netstat-nettools'],
  'netstat-brief@1': ['netstat-busybox'],
  'sys-brforward@1': ['brforward'],
  'ls-sockets@1': ['ls-sockets-busybox'],
};

const poor: Target[] = FACTS.flatMap(fact =>
  (fact.otherwise ?? []).flatMap(({reader: {name}}) => {
    const samples = (POOR[name] ?? []).map(file => fixture(`poor/${file}.txt`));
    return samples.length === 0
      ? []
      : [
          {
            name: `reader ${fact.name} ${name}`,
            samples,
            run: (out: Uint8Array) => told(fact, out, {reader: name}),
          },
        ];
  }),
);

/** What people paste: every format, from all the samples that it recognises. */
function pasted(): Target[] {
  const files = [
    ...['seed', 'three-node', 'ip-text', 'conntrack', 'netfilter', 'busybox', 'ss', 'kube'].flatMap(
      filesBelow,
    ),
  ].filter(({out}) => out.length < 200_000);
  const all = files.map(({name, out}) => ({
    name,
    out: out[0] === 0x24 ? out.subarray(out.indexOf(10) + 1) : out,
  }));
  const found = new Map<string, {fact: Fact; samples: Uint8Array[]}>();
  for (const {out} of all) {
    for (const {fact, format} of recognise({out})) {
      const key = `${fact.name} ${format.name}`;
      const known = found.get(key) ?? {fact, samples: []};
      if (known.samples.length < 6) known.samples.push(out);
      found.set(key, known);
    }
  }
  const formats = [...found].map(([key, {fact}]) => key.slice(fact.name.length + 1));
  const shared = new Set(formats.filter((format, i) => formats.indexOf(format) !== i));
  return [...found].map(([key, {fact, samples}]) => {
    const format = key.slice(fact.name.length + 1);
    return {
      name: `pasted ${key}`,
      samples,
      run(out) {
        const pieces = encodePieces([{format, file: 'pasted.txt', out}]);
        const {rows, gaps = []} = told(fact, pieces, {reader: PASTED});
        // What another fact is made of as well, that one tells of.
        return shared.has(format) ? {gaps} : {rows: rows!, gaps};
      },
    };
  });
}

export const factTargets: readonly Target[] = [...read, ...poor, ...pasted()];
