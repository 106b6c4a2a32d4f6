import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {parseAddresses} from '../../source/facts/addresses.ts';
import {arraysOf} from '../../source/facts/elements.ts';
import {parseForwarding} from '../../source/facts/forwarding.ts';
import {linkElements} from '../../source/facts/ip/links-text.ts';
import {networkOf} from '../../source/facts/ip/pasted.ts';
import {
  fdbElements,
  neighbourElements,
  routeElements,
  ruleElements,
} from '../../source/facts/ip/tables-text.ts';
import {parseLinks} from '../../source/facts/links.ts';
import {parseNeighbours} from '../../source/facts/neighbours.ts';
import {parseRoutes} from '../../source/facts/routes.ts';
import {parseRules} from '../../source/facts/rules.ts';
import {bytes, captured, fixture, textAt} from './samples.ts';

const json = (path: string) => arraysOf(fixture(`ip-text/${path}`)).arrays.flatMap(array => array.elements);
const bare = (rows: readonly {from: number; to: number}[]) => rows.map(({from: _, to: __, ...row}) => row);

describe('the same, as text and as JSON (iproute2 6.1.0)', () => {
  test('interfaces and addresses', () => {
    const {elements, strange} = linkElements(fixture('ip-text/addr.txt'));
    expect(strange).toEqual([]);
    const links = parseLinks(elements);
    expect(links.rows).toHaveLength(6);
    // Counters move between two commands, and as text a namespace's name stands in the place of its id.
    const still = (rows: ReturnType<typeof parseLinks>['rows']) =>
      bare(
        rows.map(({counters, peerNsid: _, peerNetns: __, ...row}) => ({
          ...row,
          counted: counters !== undefined,
        })) as never,
      );
    expect(still(links.rows)).toEqual(still(parseLinks(json('addr.json')).rows));
    const labelless = (rows: ReturnType<typeof parseAddresses>['rows']) =>
      bare(rows.map(({label: _, ...row}) => row));
    expect(labelless(parseAddresses(elements).rows)).toEqual(
      labelless(parseAddresses(json('addr.json')).rows),
    );
  });

  test.each([
    [
      'routes',
      parseRoutes(routeElements(fixture('ip-text/route.txt')).elements),
      parseRoutes(json('route.json')),
      20,
    ],
    [
      'neighbours',
      parseNeighbours(neighbourElements(fixture('ip-text/neigh.txt')).elements),
      parseNeighbours(json('neigh.json')),
      2,
    ],
    [
      'rules',
      parseRules(ruleElements(fixture('ip-text/rule.txt')).elements, 4),
      parseRules(json('rule.json'), 4),
      6,
    ],
    [
      'IPv6 rules',
      parseRules(ruleElements(fixture('ip-text/rule6.txt')).elements, 6),
      parseRules(json('rule6.json'), 6),
      3,
    ],
    [
      'forwarding',
      parseForwarding(fdbElements(fixture('ip-text/fdb.txt')).elements),
      parseForwarding(json('fdb.json')),
      5,
    ],
  ])('%s', (_, text, wanted, least) => {
    expect(text.problems).toEqual([]);
    expect(text.rows.length).toBeGreaterThanOrEqual(least);
    expect(bare(text.rows)).toEqual(bare(wanted.rows));
  });

  test('route -n and arp -an (net-tools 2.10) as ip route and ip neigh', () => {
    const out = bytes(
      [
        'Kernel IP routing table',
        'Destination     Gateway         Genmask         Flags Metric Ref    Use Iface',
        '0.0.0.0         192.0.2.1       0.0.0.0         UG    0      0        0 eth0',
        '192.0.2.0       0.0.0.0         255.255.255.0   U     0      0        0 eth0',
        '10.88.2.0       10.88.2.0       255.255.255.0   UG    20     0        0 flannel.1',
      ].join('\n'),
    );
    const {routes, problems} = networkOf([{format: 'ip-text@1', out, from: 0}]);
    expect(problems).toEqual([]);
    expect(routes!.map(({dst, metric, hops: [hop]}) => [dst, hop!.via, hop!.dev, metric])).toEqual([
      ['0.0.0.0/0', '192.0.2.1', 'eth0', undefined],
      ['192.0.2.0/24', undefined, 'eth0', undefined],
      ['10.88.2.0/24', '10.88.2.0', 'flannel.1', 20],
    ]);
    const arp = bytes(
      '? (192.0.2.1) at 02:fc:00:00:00:05 [ether] on eth0\n? (192.0.2.9) at <incomplete> on eth0\n',
    );
    const {neighbours} = networkOf([{format: 'ip-text@1', out: arp, from: 0}]);
    expect(neighbours!.map(({dst, dev, mac, state}) => [dst, dev, mac, ...state])).toEqual([
      ['192.0.2.1', 'eth0', '02:fc:00:00:00:05'],
      ['192.0.2.9', 'eth0', undefined, 'INCOMPLETE'],
    ]);
  });

  test('each row is the line it was read from', () => {
    const out = fixture('ip-text/route.txt');
    const {rows} = parseRoutes(routeElements(out).elements);
    expect(textAt(out, rows.find(({type}) => type === 'blackhole')!)).toMatch(/^blackhole 10\.88\.9\.0\/24/);
    const several = rows.find(({hops}) => hops.length === 2)!;
    expect(textAt(out, several).split('\n')).toHaveLength(3);
  });
});

describe('pieces of one namespace', () => {
  const piece = (format: string, out: Uint8Array, command?: string) => ({
    format,
    out,
    from: 0,
    ...(command !== undefined && {command}),
  });

  test('without -d the kind is not told, and what tells it wins', () => {
    const brief = networkOf([piece('ip-text@1', fixture('ip-text/brief.txt'), 'ip addr')]);
    expect(brief.problems).toEqual([]);
    expect(brief.links!.map(({name, kind}) => `${name} ${kind}`)).toContain('br0 ?');
    const both = networkOf([
      piece('ip-text@1', fixture('ip-text/brief.txt')),
      piece('ip-text@1', fixture('ip-text/addr.txt')),
    ]);
    expect(both.links!.map(({name, kind}) => `${name} ${kind}`)).toContain('br0 bridge');
    expect(both.addresses).toHaveLength(brief.addresses!.length);
  });

  test.each(['atlas', 'borea', 'cairn'])(
    '%s: ifconfig adds nothing to what ip showed, and alone has each address on its own interface',
    node => {
      const ip = piece('ip-json@1', captured(`three-node/${node}/ip-addr.json`));
      const ifconfig = piece('ifconfig@1', captured(`three-node/${node}/ifconfig.txt`));
      const both = networkOf([ifconfig, ip]);
      const alone = networkOf([ip]);
      expect(both.links!.map(({ifindex, name, kind}) => [ifindex, name, kind]).sort()).toEqual(
        alone.links!.map(({ifindex, name, kind}) => [ifindex, name, kind]).sort(),
      );
      expect(both.addresses!.map(({dev, address}) => `${dev} ${address}`).sort()).toEqual(
        alone.addresses!.map(({dev, address}) => `${dev} ${address}`).sort(),
      );
      expect(both.links!.every(({counters}) => counters)).toBe(true);
    },
  );

  test('an empty table is known by its command alone', () => {
    const rules = networkOf([piece('ip-json@1', bytes('[]'), 'ip -j neigh')]);
    expect(rules).toEqual({neighbours: [], problems: []});
  });
});

test('any bytes in, nothing thrown', () => {
  const line = fc.constantFrom(
    '1: lo: <UP> mtu 65536',
    '    link/ether 02:00:00:00:00:01',
    '    inet 10.0.0.1/8',
    'default via 10.0.0.1 dev x',
    '\tnexthop via 1',
    '0:\tfrom all lookup',
    '10.0.0.1 dev x lladdr',
    '    RX: bytes',
    '1 2 3',
    'local ::1',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({maxLength: 200}),
        fc.array(fc.oneof(line, fc.string()), {maxLength: 8}).map(lines => bytes(lines.join('\n'))),
      ),
      out => {
        for (const read of [linkElements, routeElements, neighbourElements, ruleElements, fdbElements])
          read(out);
        for (const format of ['ip-text@1', 'ip-json@1', 'ifconfig@1']) networkOf([{format, out, from: 0}]);
      },
    ),
    {numRuns: 300},
  );
});
