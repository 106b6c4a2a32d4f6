/** What `access` tells, and that the lines which it prints are what the real tools take. */
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {parseAllDocuments} from 'yaml';
import {CLUSTER_FACTS} from '../../source/facts/cluster.ts';
import {AS_ROOT} from '../../source/facts/contribution.ts';
import type {Rights} from '../../source/facts/rights.ts';
import type {AccessAnswer} from '../../source/questions/access.ts';
import {ask} from '../../source/questions/catalogue.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {graphOf, snapshotOf} from '../model/world.ts';

type Login = {uid: number; rights?: Omit<Rights, 'span'>};

/** Nodes that are read as these users. */
function accessOf(logins: Readonly<Record<string, Login>>): AccessAnswer {
  const nodes = Object.entries(logins).map(([name, {uid, rights}]) => {
    const refused = {node: name, fact: 'sandboxes', reason: 'grep was refused', reveal: AS_ROOT};
    const snapshot = snapshotOf(name, {
      hostname: name,
      host: '1',
      netns: {1: {links: [{ifindex: 1, name: 'lo'}]}, 2: {}},
      gaps:
        uid === 0 ? [] : [refused, {node: name, fact: 'conntrack', reason: 'conntrack is not installed.'}],
    });
    const {sandboxes: _, ...rest} = snapshot;
    const identity = {
      ...snapshot.identity!,
      value: {
        ...snapshot.identity!.value,
        uid,
        ...(rights ? {rights: {...rights, span: {from: 0, to: 9}}} : {}),
      },
    };
    return [name, {snapshot: {...rest, identity}, state: 'ready' as const}] as const;
  });
  return ask(graphOf(Object.fromEntries(nodes)), {name: 'access', words: []}) as AccessAnswer;
}

const LOGINS: Record<string, Login> = {
  old: {uid: 0},
  root: {uid: 0, rights: {means: 'login', user: 'root'}},
  none: {
    uid: 1802,
    rights: {means: 'none', user: 'visitor', sudo: 'sudo: a password is required', doas: 'missing'},
  },
  tty: {
    uid: 1802,
    rights: {
      means: 'none',
      user: 'visitor',
      sudo: 'sudo: sorry, you must have a tty to run sudo',
      doas: 'missing',
    },
  },
  asked: {uid: 0, rights: {means: 'sudo-password', user: 'visitor'}},
  doas: {
    uid: 1802,
    rights: {means: 'none', user: 'visitor', sudo: 'missing', doas: 'doas: Authentication required'},
  },
  odd: {uid: 70001, rights: {means: 'none', user: 'CORP\\jane doe', sudo: 'missing', doas: 'missing'}},
  capital: {uid: 0, rights: {means: 'sudo', user: 'ADMIN "x"'}},
};

const linesOn = (found: AccessAnswer, node: string) =>
  found.grants.find(({nodes}) => nodes.includes(node))!.lines;

test('what was read, what not, and for want of which right', () => {
  const {nodes, reads} = accessOf({none: LOGINS['none']!});
  expect(nodes[0]).toMatchObject({
    name: 'none',
    user: 'visitor',
    uid: 1802,
    means: 'none',
    refusals: [
      'sudo wants a password there, which the UI asks for (a command that prints cannot)',
      'doas is not installed there',
    ],
  });
  const of = (name: string) => reads.find(({fact}) => fact === name);
  expect(of('identity')).toMatchObject({status: 'read', rights: false});
  expect(of('sandboxes')).toMatchObject({status: 'refused', rights: true, reasons: ['grep was refused']});
  expect(of('conntrack')).toMatchObject({status: 'failed', rights: false});
  expect(of('probes')).toMatchObject({status: 'unasked'});
});

test('the lines are for who logs in there, and say what they amount to', () => {
  const found = accessOf(LOGINS);
  expect(linesOn(found, 'none')).toEqual(['visitor ALL=(root) NOPASSWD: /bin/sh']);
  expect(linesOn(found, 'tty')).toEqual([
    'Defaults:visitor !requiretty',
    'visitor ALL=(root) NOPASSWD: /bin/sh',
  ]);
  expect(linesOn(found, 'doas')).toEqual(['permit nopass visitor as root cmd sh']);
  expect(linesOn(found, 'odd')).toEqual(['#70001 ALL=(root) NOPASSWD: /bin/sh']);
  expect(found.grants[0]).toMatchObject({
    nodes: ['old', 'root'],
    lines: ['USER ALL=(root) NOPASSWD: /bin/sh'],
  });
  expect(found.grants.map(({kind, amountsToRoot}) => [kind, amountsToRoot])).toEqual(
    found.grants.map(({kind}) => [kind, kind !== 'kubernetes']),
  );
  const text = viewText(toView(found));
  expect(text).toContain('# AMOUNTS TO ROOT: ');
  expect(text).toMatch(/^none +ready +visitor +uid 1802 +none +/m);
});

const has = (tool: string) => spawnSync('which', [tool]).status === 0;
const tried = has('visudo') && has('doas');
if (!tried && !process.env['CI']) console.warn('SKIPPED: visudo and doas are not installed.');

test.skipIf(!tried && !process.env['CI'])('visudo and doas take every line, and no broken one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoptop-access-'));
  try {
    const check = (kind: string, lines: readonly string[]) => {
      const file = join(folder, 'lines');
      writeFileSync(file, `${lines.join('\n')}\n`, {mode: 0o440});
      const argv = kind === 'doas' ? ['doas', '-C', file] : ['visudo', '-c', '-f', file];
      return spawnSync(argv[0]!, argv.slice(1)).status;
    };
    for (const {kind, lines} of accessOf(LOGINS).grants)
      if (kind !== 'kubernetes') expect(check(kind, lines), lines.join('\n')).toBe(0);
    expect(check('sudoers', ['CORP\\jane doe ALL=(root) NOPASSWD: /bin/sh'])).not.toBe(0);
    expect(check('doas', ['permit nopass CORP jane as'])).not.toBe(0);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
});

test('the role names every resource that the API is asked for, and nothing else', () => {
  const grant = accessOf({}).grants.at(-1)!;
  expect(grant.kind).toBe('kubernetes');
  const [role, binding] = parseAllDocuments(grant.lines.join('\n')).map(document => document.toJS());
  const rules = role.rules as {apiGroups: string[]; resources: string[]; verbs: string[]}[];
  const paths = rules.flatMap(({apiGroups: [group], resources}) =>
    resources.map(resource => (group === '' ? `/api/v1/${resource}` : `/apis/${group}/v1/${resource}`)),
  );
  expect(paths.sort()).toEqual(CLUSTER_FACTS.flatMap(({reader}) => reader.api!.paths).sort());
  for (const {verbs} of rules) expect(verbs).toEqual(['list', 'watch']);
  expect(binding.roleRef).toMatchObject({kind: 'ClusterRole', name: role.metadata.name});
});
