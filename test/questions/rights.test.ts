import {expect, test} from 'vitest';
import {AS_ROOT} from '../../source/facts/contribution.ts';
import type {Gap} from '../../source/facts/evidence.ts';
import type {Graph} from '../../source/model/graph.ts';
import {ask} from '../../source/questions/catalogue.ts';
import type {OverviewAnswer} from '../../source/questions/overview.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {graphOf, snapshotOf} from '../model/world.ts';

/** A node read by a user without root: no pod is named, four namespaces refuse him whatever is read there. */
function visited(): Graph {
  const refused = (fact: string, netns?: string): Gap => ({
    node: '10.0.0.1',
    fact,
    ...(netns === undefined ? {} : {netns}),
    reason: `was refused some of what it asked for on node 10.0.0.1${netns ? `, namespace ${netns}` : ''}`,
    reveal: AS_ROOT,
  });
  const gaps = [
    refused('namespaces'),
    refused('namespaces'),
    refused('owners'),
    refused('sandboxes'),
    ...['network', 'rules6', 'netns-sysctls', 'sockets'].flatMap(fact =>
      ['11', '12', '13', '14'].map(netns => refused(fact, netns)),
    ),
    {node: '10.0.0.1', fact: 'forwarding', reason: 'bridge is not installed.'},
  ];
  const snapshot = snapshotOf('10.0.0.1', {hostname: 'w1', host: '1', netns: {1: {}}, gaps});
  const {memberships: _, sandboxes: __, identity, ...rest} = snapshot;
  const ordinary = {...identity!, value: {...identity!.value, uid: 1802}};
  return graphOf({'10.0.0.1': {snapshot: {...rest, identity: ordinary}, state: 'ready'}});
}

test('what one right would show is one gap a node, with every refusal in its details', () => {
  const found = ask(visited(), {name: 'overview', words: []}) as OverviewAnswer;
  expect(found.gaps).toHaveLength(2);
  expect(found.gaps[0]).toMatchObject({node: 'w1', fact: 'rights', reveal: AS_ROOT});
  expect(found.gaps[0]!.details).toHaveLength(20);
  const text = viewText(toView(found));
  expect(text).toMatch(/^w1 +ready, partial /m);
  expect(text.split('NOT SEEN\n')[1]).toBe(
    'w1 is read as uid 1802, without root. Not seen: who holds sockets, what runtimes keep of pods, details of other network namespaces. ' +
      'Read as root: log in as root, or as a user who may run `sudo -n` or `doas -n` (`hoptop access` prints the lines).\n' +
      'w1: forwarding database: bridge is not installed.\n',
  );
});

test('an answer says only what it misses itself', () => {
  const found = ask(visited(), {name: 'processes', words: []});
  expect('gaps' in found && found.gaps.map(gap => gap.reason)).toEqual([
    'w1 is read as uid 1802, without root. Not seen: who holds sockets, details of other network namespaces.',
  ]);
});

test('a pod that is not found where names could not be read may be there: that is said, and what shows it', () => {
  expect(ask(visited(), {name: 'pod', words: ['shop/db-0']})).toMatchObject({
    missing:
      'No pod is called shop/db-0 on the nodes read. Names of pods could not, or not all, be read on w1. ' +
      AS_ROOT,
  });
});
