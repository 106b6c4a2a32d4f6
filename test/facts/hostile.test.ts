/** What the fuzzer found, each once: answers that are made to exhaust who reads them. */
import {writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {readInventory} from '../../source/cli/inventory.ts';
import {redact} from '../../source/facts/catalogue.ts';
import {gapsOf} from '../../source/facts/contribution.ts';
import {arraysOf} from '../../source/facts/elements.ts';
import {kubeObjects} from '../../source/facts/kube/objects.ts';
import {parseNamespaces} from '../../source/facts/namespaces.ts';
import {parseNft} from '../../source/facts/netfilter/nft.ts';
import {encodePieces, PASTED} from '../../source/facts/pieces.ts';
import {parsePs} from '../../source/facts/ps.ts';
import {parseSandboxes} from '../../source/facts/sandboxes.ts';
import {sockets} from '../../source/facts/sockets.ts';
import {accessOf} from '../../source/wire/kube/kubeconfig.ts';
import {DialError} from '../../source/wire/shell.ts';
import {bytes, emptySnapshot, reply} from './samples.ts';

describe('nesting that exhausts the stack of who walks through it', () => {
  const deep = ['{"concat":['.repeat(20_000), ']}'.repeat(20_000)].join('1');

  test('a rule of nftables is left out, and that is said', () => {
    const rule = (expr: string) => `{"rule":{"family":"ip","table":"t","chain":"c","expr":[${expr}]}}`;
    const chain = '{"chain":{"family":"ip","table":"t","name":"c"}}';
    const {rulesets, problems} = parseNft(
      bytes(
        `{"nftables":[${chain},${rule(`{"match":{"op":"==","left":${deep},"right":1}}`)},${rule('{"drop":null}')}]}`,
      ),
    );
    expect(rulesets[0]!.chains[0]!.rules.map(({verdict}) => verdict.do)).toEqual(['drop']);
    expect(problems[0]).toContain('cut or broken');
  });

  test('objects of the Kubernetes API', () => {
    const list = bytes(`{"kind":"PodList","items":[{"metadata":{"name":"a"},"spec":${deep}}]}`);
    expect(kubeObjects(list)).toEqual({objects: [], problems: ['it is nested too deeply to be read.']});
    expect(redact('kube-pods', list)).toEqual(new Uint8Array());
    const yaml = bytes(`kind: Pod\nmetadata: {name: a}\nspec: ${deep}\n`);
    expect(kubeObjects(yaml).problems.length).toBeGreaterThan(0);
  });
});

test('an alias with escape sequences, which iproute2 prints as it is, costs no interface', () => {
  // `ip -j -d link show` (iproute2 6.1.0), shortened.
  const out = bytes('[{"ifindex":4,"ifname":"cni0","mtu":1450,"ifalias":"\u001b[31m\u001b[2J\u0007alias"}]');
  const {arrays, problems} = arraysOf(out);
  expect(problems).toEqual([]);
  expect(arrays[0]!.elements[0]!.fields).toMatchObject({
    ifname: 'cni0',
    ifalias: '\u001b[31m\u001b[2J\u0007alias',
  });
});

test('a key called __proto__ is a key', () => {
  const pod = '{"kind":"Pod","metadata":{"name":"a","labels":{"__proto__":{"polluted":"x"},"b":"c"}}}';
  const out = new TextDecoder().decode(redact('kube-pods', bytes(pod)));
  expect(Object.keys(JSON.parse(out).metadata.labels)).toEqual(['__proto__', 'b']);
  expect('polluted' in {}).toBe(false);
});

test('a heading of ps with thousands of columns is none', () => {
  const {rows, problems} = parsePs(bytes(`PID ${'C '.repeat(40_000)}CMD\n1 x\n`));
  expect(rows).toEqual([]);
  expect(problems.length).toBeGreaterThan(0);
});

test('what is wrong in every line is said of some, and that there are more', () => {
  const problems = Array.from({length: 5000}, (_, i) => `line ${i} is none.`);
  const gaps = gapsOf(reply('identity', ''), {name: 'x'}, problems);
  expect(gaps).toHaveLength(21);
  expect(gaps.at(-1)!.reason).toContain('more such parts were not understood.');
});

test('an answer that is wrong everywhere is not read to its end', () => {
  const {arrays, problems} = arraysOf(new Uint8Array(Buffer.alloc(2_000_000, '[{"a":x}]')));
  expect(problems).toHaveLength(41);
  expect(arrays.length).toBeLessThan(50);
});

test('no more sentences are made than are told of, however many lines are none', () => {
  const {problems} = parseNamespaces(new Uint8Array(Buffer.alloc(2_000_000, 'a b\n')));
  expect(problems).toHaveLength(41);
});

/** Hours, where each letter of a name is tried as its beginning. */
test('a name of a million letters has an end', {timeout: 60_000}, () => {
  const name = `/run/x/${'-'.repeat(1_000_000)}`;
  expect(parseSandboxes(bytes(`${name}\n`)).problems).toHaveLength(1);
  expect(redact('sandboxes', bytes(`${name}\n`))).toHaveLength(0);
});

/** Hours, where each holder is looked for among all others. */
test('two hundred thousand pasted sockets with their programs', {timeout: 60_000}, () => {
  const rows = Array.from(
    {length: 200_000},
    (_, i) =>
      `tcp 0 0 10.0.${(i >> 8) & 255}.${i & 255}:80 10.9.9.9:${1 + (i % 65_535)} ESTABLISHED ${i + 1}/x\n`,
  );
  const text = `Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address Foreign Address State PID/Program name\n${rows.join('')}`;
  const out = encodePieces([{format: 'netstat@1', out: bytes(text)}]);
  const {node} = sockets.collect!(
    [reply('sockets', out, {reader: PASTED, netns: '1'})],
    emptySnapshot({hostNetns: '1'}),
  );
  expect(node?.sockets?.value.count).toBe(200_000);
  expect(node?.owners?.value.count).toBe(200_000);
});

/** With a check for repeated keys the library compares each with every other: hours for these. */
test('YAML with very many keys has an end', {timeout: 60_000}, async () => {
  const keys = Array.from({length: 100_000}, (_, i) => `k${i}: 1`).join('\n');
  expect(() => accessOf([{name: 'config', text: keys}], undefined)).toThrow(/has no current context/);
  const file = join(tmpdir(), `hoptop-inventory-${process.pid}.yaml`);
  writeFileSync(file, keys);
  await expect(readInventory(file)).rejects.toThrow(/is not a list of nodes/);
});

test('a sentence that quotes a long text has an end', () => {
  const {message} = new DialError(`“${'a'.repeat(400_000)}” is not a node: it is too long.`);
  expect(message.length).toBeLessThan(1600);
  expect(message).toMatch(/^“aaa.*is not a node: it is too long\.$/);
});
