import {expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import {interfaceWords} from '../../source/questions/names.ts';
import {graphOf, type NetnsSpec} from './world.ts';

const lo = {ifindex: 1, name: 'lo'};
const veth = (ifindex: number, name: string, peerIndex: number, peerNsid?: number, kind = 'veth') => ({
  ifindex,
  name,
  kind,
  peerIndex,
  ...(peerNsid === undefined ? {} : {peerNsid}),
});

/** Every joined interface as `a ↔ b grade`. */
function joins(graph: Graph): string[] {
  return [...graph.pairs].map(([iface, pair]) =>
    `${interfaceWords(iface)} ${pair.grade} ${pair.candidates.map(interfaceWords).join(' ')}`.trim(),
  );
}

function oneNode(netns: Record<string, NetnsSpec>) {
  return graphOf({a: {host: '1', netns}});
}

test('pods that all have the same inner index are told apart by the index that points back', () => {
  const graph = oneNode({
    1: {links: [lo, veth(5, 'v5', 2, 0), veth(6, 'v6', 2, 1)], nsids: {0: '10', 1: '11'}},
    10: {links: [lo, veth(2, 'eth0', 5, 0)]},
    11: {links: [lo, veth(2, 'eth0', 6, 0)]},
  });
  expect(joins(graph)).toEqual([
    'a/v5 proven a/10:eth0',
    'a/v6 proven a/11:eth0',
    'a/10:eth0 proven a/v5',
    'a/11:eth0 proven a/v6',
  ]);
});

test('without knowing what a namespace id means, the only one that points back is inferred', () => {
  const graph = oneNode({
    1: {links: [veth(5, 'v5', 2, 0)]},
    10: {links: [veth(2, 'eth0', 5, 0)]},
  });
  expect(joins(graph)).toEqual(['a/v5 inferred a/10:eth0', 'a/10:eth0 inferred a/v5']);
});

test('several that point back stay ambiguous, with all of them listed', () => {
  const graph = oneNode({
    1: {links: [veth(5, 'v5', 2, 0)]},
    10: {links: [veth(2, 'eth0', 5, 0)]},
    11: {links: [veth(2, 'eth0', 5, 0)]},
  });
  expect(joins(graph)[0]).toBe('a/v5 ambiguous a/10:eth0 a/11:eth0');
});

test('a namespace id that means another namespace rules a candidate out', () => {
  const graph = oneNode({
    1: {links: [veth(5, 'v5', 2, 0)], nsids: {0: '11'}},
    10: {links: [veth(2, 'eth0', 5, 0)]},
    11: {links: [veth(2, 'eth0', 5, 0)]},
  });
  expect(joins(graph)).toEqual(['a/v5 proven a/11:eth0', 'a/10:eth0 unknown', 'a/11:eth0 proven a/v5']);
});

test('the index alone never joins: a candidate that does not point back is none', () => {
  const graph = oneNode({
    1: {links: [veth(5, 'v5', 2, 0)]},
    10: {links: [veth(2, 'eth0', 7, 0)]},
  });
  expect(joins(graph)).toEqual(['a/v5 unknown', 'a/10:eth0 unknown']);
  expect([...graph.pairs.values()][0]!.why).toContain('has index 2 and points back to 5');
});

test('a namespace that was not read is named as the reason', () => {
  const graph = graphOf({
    a: {
      host: '1',
      netns: {1: {links: [veth(5, 'v5', 2, 0)], nsids: {0: '10'}}},
      processes: {7: ['10', 'sleep']},
    },
  });
  expect([...graph.pairs.values()][0]!.why).toBe(
    'the other side is in namespace 10, whose interfaces were not read on a',
  );
});

test('interfaces of two nodes are never joined, whatever their indexes', () => {
  const graph = graphOf({
    a: {host: '1', netns: {1: {links: [veth(5, 'v5', 2, 0)]}}},
    b: {host: '1', netns: {10: {links: [veth(2, 'eth0', 5, 0)]}}},
  });
  expect(joins(graph)).toEqual(['a/v5 unknown', 'b/10:eth0 unknown']);
});

test('both ends in one namespace are joined by name', () => {
  const graph = oneNode({
    1: {
      links: [
        {ifindex: 5, name: 'v1', kind: 'veth', lower: 'v2'},
        {ifindex: 6, name: 'v2', kind: 'veth', lower: 'v1'},
      ],
    },
  });
  expect(joins(graph)).toEqual(['a/v1 proven a/v2', 'a/v2 proven a/v1']);
});

test('netkit is paired as veth is, and not with a veth', () => {
  const graph = oneNode({
    1: {links: [veth(5, 'nk5', 2, 0, 'netkit')], nsids: {0: '10'}},
    10: {links: [veth(2, 'eth0', 5, 0, 'netkit')]},
    11: {links: [veth(2, 'eth0', 5, 0)]},
  });
  expect(joins(graph)).toEqual(['a/nk5 proven a/10:eth0', 'a/10:eth0 proven a/nk5', 'a/11:eth0 unknown']);
});

test('a macvlan sits on its device; indexes that every namespace has are ambiguous without the namespace id', () => {
  const macvlan = {ifindex: 3, name: 'net1', kind: 'macvlan', peerIndex: 2, peerNsid: 0};
  const eth = {ifindex: 2, name: 'eth0'};
  const netns = {1: {links: [eth]}, 10: {links: [eth, macvlan]}, 11: {links: [eth]}};
  const found = (graph: Graph) => [...graph.pairs.values()][0]!;
  expect(found(oneNode(netns))).toMatchObject({relation: 'lower', grade: 'ambiguous'});
  const resolved = found(oneNode({...netns, 10: {links: [eth, macvlan], nsids: {0: '1'}}}));
  expect(resolved).toMatchObject({relation: 'lower', grade: 'proven'});
  expect(resolved.candidates.map(interfaceWords)).toEqual(['a/eth0']);
});
