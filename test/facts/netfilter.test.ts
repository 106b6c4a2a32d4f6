import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {parseIptables} from '../../source/facts/netfilter/iptables.ts';
import {parseIpvs} from '../../source/facts/netfilter/ipvs.ts';
import {parseNft} from '../../source/facts/netfilter/nft.ts';
import type {Match, Ruleset} from '../../source/facts/netfilter/ruleset.ts';
import {NETFILTER, parseNetfilter} from '../../source/facts/netfilter.ts';
import {bytes, captured, emptySnapshot, fixture, reply, textAt} from './samples.ts';

const save = (text: string) => parseIptables(bytes(text), 4);
const rule = (line: string) => {
  const {ruleset, problems} = save(`*nat\n:X - [0:0]\n${line}\nCOMMIT\n`);
  expect(problems).toEqual([]);
  const {from: _, to: __, ...rest} = ruleset.chains[0]!.rules[0]!;
  return rest;
};

/** What of a real capture was not understood. */
function odd(ruleset: Ruleset): string[] {
  return ruleset.chains.flatMap(chain =>
    chain.rules.flatMap(({matches, verdict}) => [
      ...matches.flatMap(match => (match.is === 'other' ? [match.text] : [])),
      ...(verdict.do === 'other' ? [verdict.text] : []),
    ]),
  );
}

describe('iptables-save', () => {
  test.each(['atlas', 'borea', 'cairn'])('%s of a real cluster is understood whole', node => {
    const out = captured(`three-node/${node}/iptables-save.txt`);
    const {ruleset, problems} = parseIptables(out, 4);
    expect(problems).toEqual([]);
    expect(odd(ruleset)).toEqual([]);
    expect(ruleset.backend).toBe('iptables-nft');
    const rules = ruleset.chains.flatMap(chain => chain.rules);
    expect(rules).toHaveLength([...new TextDecoder().decode(out).matchAll(/^-A /gm)].length);
    for (const one of rules) expect(textAt(out, one)).toMatch(/^-A /);
  });

  test('a base chain knows its hook, order and policy; a jump target is none', () => {
    const {chains} = parseIptables(captured('three-node/atlas/iptables-save.txt'), 4).ruleset;
    const of = (table: string, name: string) =>
      chains.find(chain => chain.table === table && chain.name === name)?.base;
    expect(of('nat', 'PREROUTING')).toEqual({
      hook: 'PREROUTING',
      type: 'nat',
      priority: -100,
      policy: 'accept',
    });
    expect(of('nat', 'POSTROUTING')?.priority).toBe(100);
    expect(of('nat', 'KUBE-SERVICES')).toBeUndefined();
    expect(save('*filter\n:FORWARD DROP [0:0]\nCOMMIT\n').ruleset.chains[0]!.base?.policy).toBe('drop');
  });

  test('what a rule asks and does', () => {
    expect(
      rule('-A X ! -s 10.0.0.0/8 -p tcp -m comment --comment "a \\"b\\" -j" -m tcp --dport 80 -j Y'),
    ).toEqual({
      matches: [
        {is: 'source', prefixes: ['10.0.0.0/8'], not: true},
        {is: 'protocol', protocols: ['tcp']},
        {is: 'destination-port', ranges: [[80, 80]]},
      ],
      verdict: {do: 'jump', chain: 'Y'},
      comment: 'a "b" -j',
    });
    expect(rule('[3:180] -A X -p udp -m multiport --dports 53,1000:2000 -j RETURN')).toEqual({
      matches: [
        {is: 'protocol', protocols: ['udp']},
        {
          is: 'destination-port',
          ranges: [
            [53, 53],
            [1000, 2000],
          ],
        },
      ],
      verdict: {do: 'return'},
    });
    expect(rule('-A X -m statistic --mode nth --every 4 --packet 0 -j ACCEPT').matches).toEqual([
      {is: 'chance', probability: 0.25},
    ]);
    expect(rule('-A X -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT').matches).toEqual([
      {is: 'set', name: 'KUBE-CLUSTER-IP', of: 'dst,dst'},
    ]);
    expect(rule('-A X -m owner ! --uid-owner 1337 -j REDIRECT --to-ports 15001')).toEqual({
      matches: [{is: 'other', text: '-m owner --uid-owner 1337', not: true}],
      verdict: {do: 'redirect', port: 15001},
    });
  });

  test.each([
    ['MARK --set-xmark 0x4000/0x4000', {do: 'mark', value: 0x4000, mask: 0x4000}],
    ['MARK --or-mark 0x80', {do: 'mark', value: 0x80, mask: 0x80}],
    ['MARK --and-mark 0xffff', {do: 'mark', value: 0, mask: 0xffff0000}],
    ['DNAT --to-destination [fd00::1]:80', {do: 'dnat', address: 'fd00::1', port: 80}],
    ['DNAT --to-destination :8080', {do: 'dnat', port: 8080}],
    [
      'DNAT --to-destination 10.0.0.1-10.0.0.9',
      {do: 'other', text: 'DNAT --to-destination 10.0.0.1-10.0.0.9'},
    ],
    ['SNAT --to-source 10.0.0.1', {do: 'snat', address: '10.0.0.1'}],
    ['MASQUERADE --random-fully', {do: 'masquerade'}],
    ['REJECT --reject-with icmp-port-unreachable', {do: 'reject', with: 'icmp-port-unreachable'}],
    ['NFLOG --nflog-group 3', {do: 'nothing'}],
    ['CT --notrack', {do: 'other', text: 'CT --notrack'}],
    ['KUBE-MARK-MASQ', {do: 'jump', chain: 'KUBE-MARK-MASQ'}],
  ])('-j %s', (target, verdict) => {
    expect(rule(`-A X -j ${target}`).verdict).toEqual(verdict);
  });

  test('a table that it cannot print, and lines that are no rules, are problems', () => {
    const {problems} = save(
      "# Table `nat' is incompatible, use 'nft' tool.\n*nat\n:X - [0:0]\nfoo\n-A Z -j ACCEPT\n",
    );
    expect(problems).toEqual([
      "Table `nat' is incompatible, use 'nft' tool. Its rules were not read so.",
      'a line that is no rule: “foo”.',
      '2 lines in all are no rules.',
    ]);
  });
});

describe('nft -j', () => {
  test('kube-proxy’s table is understood whole; a verdict map is a rule for each element', () => {
    const out = fixture('netfilter/kube-proxy.nft.json');
    const {rulesets, problems} = parseNft(out);
    expect(problems).toEqual([]);
    expect(rulesets.map(({family, backend}) => [family, backend])).toEqual([[4, 'nftables']]);
    expect(odd(rulesets[0]!)).toEqual([]);
    const services = rulesets[0]!.chains.find(chain => chain.name === 'services')!;
    expect(services.rules.map(one => one.verdict)).toEqual([
      {do: 'goto', chain: 'service-AAAAAAAA-shop/web/udp/dns'},
      {do: 'goto', chain: 'service-ULMVA6XW-shop/web/tcp/http'},
      {do: 'goto', chain: 'external-ULMVA6XW-shop/web/tcp/http'},
    ]);
    expect(textAt(out, services.rules[0]!)).toMatch(/^\{"map": .*"service-ips"/);
  });

  test('rules of a table inet are rules of both families, but for those about one', () => {
    const nat = (expr: object[]) => ({rule: {family: 'inet', table: 't', chain: 'c', expr}});
    const daddr = (protocol: string, right: string) => ({
      match: {op: '==', left: {payload: {protocol, field: 'daddr'}}, right},
    });
    const {rulesets} = parseNft(
      bytes(
        JSON.stringify({
          nftables: [
            {chain: {family: 'inet', table: 't', name: 'c', type: 'nat', hook: 'postrouting', prio: 100}},
            nat([daddr('ip', '10.0.0.1'), {masquerade: null}]),
            nat([daddr('ip6', 'fd00::1'), {masquerade: null}]),
            nat([{xt: {type: 'target', name: 'FOO'}}]),
          ],
        }),
      ),
    );
    const shown = rulesets.map(({family, chains}) => [family, chains[0]!.rules.map(one => one.verdict.do)]);
    expect(shown).toEqual([
      [4, ['masquerade', 'other']],
      [6, ['masquerade', 'other']],
    ]);
  });
});

describe('of a table inet, what is of one family or protocol only', () => {
  const {rulesets, problems} = parseNft(fixture('netfilter/inet-families.nft.json'));
  const rules = (family: 4 | 6) => rulesets.find(one => one.family === family)!.chains[0]!.rules;
  const matches = (family: 4 | 6) => rules(family).map(rule => rule.matches.map(shown).join(' '));
  const shown = (match: Match) =>
    (match.not ? '!' : '') +
    (match.is === 'protocol'
      ? match.protocols.join()
      : match.is === 'source' || match.is === 'destination'
        ? `${match.is} ${match.prefixes.join()}`
        : match.is === 'destination-port'
          ? `port ${match.ranges[0]![0]}`
          : match.is);

  test('an element of a map whose key is of the other family is none; a field of tcp is of TCP alone', () => {
    expect(problems).toEqual([]);
    expect(matches(4)).toEqual([
      'destination 10.0.0.1/32 tcp port 80',
      'tcp port 80',
      'udp !port 53',
      '',
      'source 10.0.0.1/32',
      '',
    ]);
    expect(matches(6)).toEqual([
      'destination fd00::1/128 tcp port 80',
      'tcp port 80',
      'udp !port 53',
      '',
      'source fd00::1/128',
      'other',
    ]);
  });

  test('a mark that is set before such a match is set', () => {
    expect(rules(4).map(({verdict}) => verdict.do)).toEqual([
      'drop',
      'drop',
      'drop',
      'accept',
      'drop',
      'mark',
    ]);
    expect(rules(6).map(({verdict}) => verdict.do)).toEqual(['drop', 'drop', 'drop', 'mark', 'drop', 'drop']);
  });
});

test('IPVS: numbers read left to right, and a backend stands under its service', () => {
  // In the layout of ip_vs_info_seq_show and of the reference’s row; this kernel has no IPVS to capture it from.
  const text = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr persistent 10800 FFFFFFFF
  -> C0A84D0B:192B      Masq    1      2          3
TCP  [fd96:0000:0000:0000:0000:0000:0000:000a]:0050 wrr
UDP  0A60000A:0035 rr
`;
  const {servers, problems} = parseIpvs(bytes(text));
  expect(problems).toEqual([]);
  expect(
    servers.map(({protocol, address, port, persistent, backends}) => [
      protocol,
      address,
      port,
      persistent,
      backends.length,
    ]),
  ).toEqual([
    ['tcp', '10.96.0.1', 443, true, 1],
    ['tcp', 'fd96::a', 80, false, 0],
    ['udp', '10.96.0.10', 53, false, 0],
  ]);
  expect(servers[0]!.backends[0]).toMatchObject({
    address: '192.168.77.11',
    port: 6443,
    forward: 'Masq',
    active: 2,
  });
});

describe('the reader’s answer', () => {
  const soFar = emptySnapshot({hostNetns: '1'});
  const ask = (out: string | Uint8Array) => NETFILTER.contribute(reply('netfilter', out), soFar);

  test('each tool’s rules with the bytes that they were read from', () => {
    const out = fixture('netfilter/lab-worker-1.txt');
    const {rulesets, problems} = parseNetfilter(out);
    expect(problems).toEqual([]);
    expect(rulesets.map(({family, backend}) => [family, backend])).toEqual([[4, 'iptables-nft']]);
    for (const one of rulesets[0]!.chains.flatMap(chain => chain.rules))
      expect(textAt(out, one)).toMatch(/^-A /);
  });

  test('no rules at all are no gap; a tool that is missing or failed, a refusal and a cut are', () => {
    expect(ask('! done\n')).toMatchObject({gaps: []});
    expect(ask('! done\n').netns?.get('1')?.netfilter?.value.rulesets).toEqual([]);
    const reasons = (out: string) => ask(out).gaps!.map(gap => gap.reason);
    expect(reasons('! iptables-legacy-save\n! done\n')[0]).toContain('iptables-legacy-save is not installed');
    // iptables 1.8.9
    const warning = '# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n';
    expect(reasons(`@ iptables-save\n${warning}= 0\n! done\n`)[0]).toContain(
      'older rules are in use there besides, and were not read: `iptables-legacy-save` shows them.',
    );
    const legacy = '@ iptables-legacy-save\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n= 0\n';
    expect(reasons(`${legacy}@ iptables-nft-save\n${warning}= 0\n! done\n`)).toEqual([]);
    expect(reasons('@ iptables-nft-save\n= 4\n! done\n')[0]).toContain('ended with status 4');
    expect(reasons('! refused\n! done\n')[0]).toContain('only be read by root');
    expect(ask('! refused\n! done\n').netns).toBeUndefined();
    expect(reasons('@ iptables-nft-save\n*nat\n:X - [0:0]\n')).toHaveLength(2);
  });
});

test('any bytes in: nothing thrown, and garbage is a problem', () => {
  const sample = fixture('netfilter/kube-proxy.nft.json');
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 300}), fc.nat(sample.length), (noise, at) => {
      parseNft(Uint8Array.from([...sample.subarray(0, at), ...noise, ...sample.subarray(at)]));
      parseIptables(noise, 6);
      parseIpvs(noise);
      expect(
        parseNetfilter(noise).problems.length > 0 ||
          noise.length === 0 ||
          /^\n*$/.test(new TextDecoder().decode(noise)),
      ).toBe(true);
    }),
    {numRuns: 60},
  );
});
