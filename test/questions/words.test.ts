import {describe, expect, test} from 'vitest';
import {ask, questionFrom, suggest} from '../../source/questions/catalogue.ts';
import {connectionWords, parseConnection} from '../../source/questions/endpoint-words.ts';
import {graphOf, type NodeSpec} from '../model/world.ts';

const id = (letter: string) => letter.repeat(64);
const node = (pods: readonly string[]): NodeSpec => ({
  host: '1',
  netns: {1: {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 10.0.0.1/24']}},
  processes: {
    1: ['1', 'init'],
    ...Object.fromEntries(pods.map((_, i) => [20 + i, [`1${i}`, 'pause', 1, id(`${i}`)]])),
  },
  sandboxes: pods.map((pod, i) => ({id: id(`${i}`), pod})),
});
const graph = graphOf({a: node(['web-1', 'db-0']), b: node(['web-1'])});

function said(...[name, ...words]: [string, ...string[]]): string {
  const read = questionFrom(name, words);
  if ('wrong' in read) return `wrong: ${read.wrong}`;
  const found = ask(graph, read);
  if ('missing' in found) return `missing: ${found.missing} [${found.suggestions.join(', ')}]`;
  return [found.question.name, ...found.question.words].join(' ');
}

describe('what is typed becomes the words that print the same', () => {
  test.each([
    [['pod', 'db-0'], 'pod shop/db-0'],
    [['pod', 'shop/web-1@b'], 'pod shop/web-1@b'],
    [['pod', 'web-1@b'], 'pod shop/web-1@b'],
    [['interfaces', 'shop/db-0'], 'interfaces shop/db-0'],
    [['interfaces', 'a/1'], 'interfaces a'],
    [['interfaces'], 'interfaces'],
    [['link', 'a/eth0'], 'link a/eth0'],
    [['process', 'a:20'], 'process a:20'],
    [['sockets', 'a:20'], 'sockets a:20'],
    [['peers', 'a'], 'peers a'],
  ] as const)('%j', (words, canonical) => {
    expect(said(...(words as unknown as [string, ...string[]]))).toBe(canonical);
  });
});

describe('what cannot be meant says so, with names that may be', () => {
  test('a name that nobody has', () => {
    expect(said('pod', 'shop/web1')).toBe(
      'missing: No pod is called shop/web1 on the nodes read. [shop/web-1@a, shop/web-1@b]',
    );
    expect(said('node', 'c')).toBe('missing: No node is called c on the nodes read. []');
    expect(said('link', 'a/eth1')).toMatch(
      /^missing: No interface is called a\/eth1 on the nodes read\. \[a\/eth0/,
    );
  });
  test('a name that several have', () => {
    expect(said('pod', 'shop/web-1')).toBe(
      'missing: 2 pods are called shop/web-1: say which. [shop/web-1@a, shop/web-1@b]',
    );
  });
  test('nodes that were not read yet are named', () => {
    const dialling = graphOf({a: node([]), c: {state: 'dialling'}});
    expect(ask(dialling, {name: 'pod', words: ['x']})).toMatchObject({
      missing: 'No pod is called x on the nodes read. Not read yet: c.',
    });
    for (const [name, word] of [
      ['link', 'c/eth0'],
      ['connection', '10.0.0.1:1-10.0.0.2:2'],
    ] as const) {
      expect(ask(dialling, {name, words: [word]})).toMatchObject({
        missing: expect.stringMatching(/ Not read yet: c\.$/),
      });
    }
  });
  test('wrong words', () => {
    expect(said('pod')).toBe('wrong: pod needs to know which. Usage: pod NS/POD[@NODE]');
    expect(said('overview', 'x')).toBe('wrong: overview does not take "x". Usage: overview');
    expect(said('process', 'x')).toMatch(/^wrong: "x" is not NODE:PID/);
    expect(said('connection', '10.0.0.1:80')).toMatch(/^wrong: "10\.0\.0\.1:80" is not ADDR:PORT-ADDR:PORT/);
    expect(said('connection', '10.0.0.999:80-10.0.0.1:5')).toMatch(
      /^wrong: "10\.0\.0\.999" is not an address/,
    );
    expect(said('podz')).toMatch(/^wrong: There is no question "podz"; did you mean pods?\?$/);
  });
});

test('a connection’s words are read back as they are written', () => {
  const tuples = [
    {protocol: 'tcp', local: '10.0.0.1', localPort: 80, remote: '10.0.0.2', remotePort: 4000},
    {protocol: 'udp', local: 'fd00::1', localPort: 53, remote: 'fd00::2', remotePort: 4000},
  ] as const;
  for (const tuple of tuples) {
    for (const where of [undefined, 'a', 'a/4026531840', 'shop/web-1@b']) {
      const read = parseConnection(connectionWords(tuple, where));
      expect(read).toEqual({...tuple, protocol: tuple.protocol === 'udp' ? 'udp' : undefined, where});
    }
  }
});

test('completions are in the order of names, and `connection` completes to those that are there', () => {
  const nodes = Object.fromEntries(
    [node(['z', 'b']), node(['a'])].map((spec, i) => {
      const [own, other] = i === 0 ? ['10.0.0.1:40000', '10.0.0.2:80'] : ['10.0.0.2:80', '10.0.0.1:40000'];
      const facts = {1: {links: [{ifindex: 2, name: 'eth0'}], addresses: [`eth0 10.0.0.${i + 1}/24`]}};
      const sockets = [
        {netns: '1', local: own!, remote: other!},
        {netns: '1', local: '0.0.0.0:22'},
      ];
      return [`n${i}`, {...spec, netns: facts, sockets}];
    }),
  );
  const two = graphOf(nodes);
  expect(suggest(two, 'pod ')).toEqual(['pod shop/a', 'pod shop/b', 'pod shop/z']);
  expect(suggest(two, 'connection ')).toEqual(['connection 10.0.0.1:40000-10.0.0.2:80']);
  expect(suggest(two, 'connection 10.0.0.2')).toEqual(['connection 10.0.0.2:80-10.0.0.1:40000']);
  for (const line of suggest(two, 'connection ')) {
    expect(ask(two, {name: 'connection', words: [line.split(' ')[1]!]})).not.toHaveProperty('missing');
  }
});

test('what is typed after a colon is completed to whole questions', () => {
  expect(suggest(graph, 'pod db')[0]).toBe('pod shop/db-0');
  expect(suggest(graph, 'db')[0]).toBe('pod shop/db-0');
  expect(suggest(graph, 'over')[0]).toBe('overview');
  expect(suggest(graph, 'link a')[0]).toBe('link a/eth0');
  expect(suggest(graph, '')).toContain('overview');
});
