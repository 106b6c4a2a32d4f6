import {expect, test} from 'vitest';
import {fakeSession} from './fake-session.ts';
import {connection, pod, STATUS, script} from './sample-views.ts';
import {story} from './story.ts';

const POD = {name: 'pod', words: ['shop/web-1']} as const;

test('a person walks node, pod, connection, the other end, and back to where they were', async () => {
  const session = fakeSession(script(), STATUS);
  const ui = story(session, 80, 24);
  expect(await ui.shows('[Nodes 3]', true)).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     overview
     3 nodes, 27 pods, 529 sockets; flannel (vxlan) on all nodes
     [Nodes 3]                                                                  1/3
     NODE      STATE  ADDRESS   PODS  SOCKETS     RTT  NETWORK
    ⟦>control   Ready  10.0.0.1     4       61  0.4 ms  flannel vxlan⟧
     worker-1  Ready  10.0.0.2    12      240  0.5 ms  flannel vxlan
     worker-2  Ready  10.0.0.3    11      228  0.6 ms  flannel vxlan














     Enter open  / filter  s sort  e evidence  m mark  : go to  ? help  q quit
     $ hoptop overview"
  `);
  await ui.press('j', 'Enter');
  await ui.shows('overview › node worker-1');
  await ui.press('j', 'Enter');
  expect(await ui.shows('› pod shop/web-1', true)).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     overview › node worker-1 › pod shop/web-1
     web-1 runs on worker-1 with 10.244.1.3, 2 containers, 1 connection is not
     answered
     [Connections 5]   Attachment    Listeners 0          2 columns hidden (L)  1/5
     STATE     LOCAL             PEER              POD              RETRANS     RTT
    ⟦>ESTAB     10.244.1.3:41822  10.244.2.9:5432   shop/db-0              0  1.2 ms⟧
     ESTAB     10.244.1.3:41830  10.244.2.9:5432   shop/db-0              3  1.4 ms
     ESTAB     10.244.1.3:80     10.244.1.7:50122  shop/cart-1            0  0.1 ms
     SYN-SENT  10.244.1.3:50001  10.96.0.10:9999   -                      4       -
     UNCONN    10.244.1.3:53211  10.96.0.10:53     kube-system/dns        -       -











     Enter open  Esc back  Tab next part  / filter  s sort  ? help  q quit
     $ hoptop pod shop/web-1"
  `);
  await ui.press('Enter');
  await ui.shows('› connection 10.244.1.3:41822 10.244.2.9:5432');
  await ui.press('Esc', 'o');
  await ui.shows('› connection 10.244.2.9:5432 10.244.1.3:41822');
  await ui.press('Esc', 'Esc');
  expect(await ui.shows(/› node worker-1$/m, true)).toMatch(/^⟦>shop\/web-1 /m);
  await ui.press('Esc', 'Esc', 'Esc');
  expect(await ui.shows('This is the first screen; q quits.', true)).toMatch(/^⟦>worker-1 /m);
  await ui.press('q');
  expect(await ui.ended).toBe(0);
  expect(session.watched()).toEqual([]);
});

test('120×40 has room for every column', async () => {
  const ui = story(fakeSession(script(), STATUS), 120, 40, POD);
  const frame = await ui.shows('[Connections 5]', true);
  expect(frame.split('\n').slice(0, 12).join('\n')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                                                                  data 1 s old, every 2 s
     pod shop/web-1
     web-1 runs on worker-1 with 10.244.1.3, 2 containers, 1 connection is not answered
     [Connections 5]   Attachment    Listeners 0                                                                        1/5
     PROTO  STATE     LOCAL             PEER              POD              NODE      RETRANS     RTT
    ⟦>tcp    ESTAB     10.244.1.3:41822  10.244.2.9:5432   shop/db-0        worker-2        0  1.2 ms⟧
     tcp    ESTAB     10.244.1.3:41830  10.244.2.9:5432   shop/db-0        worker-2        3  1.4 ms
     tcp    ESTAB     10.244.1.3:80     10.244.1.7:50122  shop/cart-1      worker-1        0  0.1 ms
     tcp    SYN-SENT  10.244.1.3:50001  10.96.0.10:9999   -                -               4       -
     udp    UNCONN    10.244.1.3:53211  10.96.0.10:53     kube-system/dns  control         -       -

    "
  `);
  expect(frame.split('\n').slice(-2).join('\n')).toMatchInlineSnapshot(`
    " Enter open  Tab next part  / filter  s sort  o other end  e evidence  m mark  : go to  Space pause  ? help  q quit
     $ hoptop pod shop/web-1"
  `);
  await ui.press('q');
});

test('60×20 keeps the numbers whole and names what is hidden', async () => {
  const ui = story(fakeSession(script(), STATUS), 60, 20, POD);
  expect(await ui.shows('[Connections 5]', true)).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached      data 1 s old, every 2 s
     pod shop/web-1
     web-1 runs on worker-1 with 10.244.1.3, 2 containers, 1
     connection is not answered
     [Connections 5]   Attachment   … 4 columns hidden (L)  1/5
     STATE     LOCAL             PEER              POD
    ⟦>ESTAB     10.244.1.3:41822  10.244.2.9:5432   shop/db-0⟧
     ESTAB     10.244.1.3:41830  10.244.2.9:5432   shop/db-0
     ESTAB     10.244.1.3:80     10.244.1.7:50122  shop/cart-1
     SYN-SENT  10.244.1.3:50001  10.96.0.10:9999   -
     UNCONN    10.244.1.3:53211  10.96.0.10:53     kube-sys…dns







     Enter open  Tab next part  / filter  ? help  q quit
     $ hoptop pod shop/web-1"
  `);
  await ui.press('q');
});

// The emulator shows an emoji in one column and others in two: what follows stands in its own column either way.
test('names in wide scripts do not move the columns', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24, {name: 'node', words: ['worker-1']});
  const rows = (await ui.shows('[Pods 30]')).split('\n').slice(5, 10);
  expect(rows.join('\n')).toMatchInlineSnapshot(`
    ">shop/web-0          10.244.1.2   vethab12       0   1 min
     shop/web-1          10.244.1.3   vethaee3       7   2 min
     shop/결제-서비스-0  10.244.1.4   vethb2b4       1   3 min
     shop/カート🛒 -1     10.244.1.5   vethb685       8   4 min
     shop/web-4          10.244.1.6   vethba56       2   5 min"
  `);
  await ui.press('q');
});

test('keys that arrive in one piece all count', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24, {name: 'node', words: ['worker-1']});
  await ui.shows('[Pods 30]');
  await ui.press('jjjjj', 'jjk');
  expect(await ui.frame(true)).toMatch(/^⟦>shop\/web-6 /m);
  await ui.press('G');
  expect(await ui.shows('30/30', true)).toMatch(/^⟦>shop\/web-29 /m);
  await ui.press('PageUp', 'Home');
  expect(await ui.shows(' 1/30', true)).toMatch(/^⟦>shop\/web-0 /m);
  await ui.press('q');
});

test('live data does not move the row under the cursor, and marks what changed for one generation', async () => {
  const session = fakeSession(script(), STATUS);
  const ui = story(session, 80, 24, POD);
  await ui.shows('[Connections 5]');
  await ui.press('jj');
  const line = (frame: string) => frame.split('\n').findIndex(one => one.startsWith('⟦>'));
  const before = await ui.frame(true);
  const chosen = before.split('\n')[line(before)];
  expect(chosen).toContain('10.244.1.3:80');
  const extra = ['10.244.1.3:40001', '10.244.1.3:40002'].map(local => ({
    id: local,
    cells: ['tcp', 'ESTAB', local, '10.9.9.9:1', '-', '-', '0', '-'].map(text => ({text})),
  }));
  session.publish(script(pod('17', extra, ['10.244.1.3:53211-10.96.0.10:53'])));
  const after = await ui.shows('[Connections 6]', true);
  expect(after.split('\n')[line(after)]).toBe(chosen);
  expect(line(after)).toBe(line(before));
  // Bold cyan.
  const changed = /\u001b\[;?1;36m *17/;
  expect(ui.written()).toMatch(changed);
  await ui.press('Home');
  expect(await ui.frame()).toContain('10.244.1.3:40001');
  const soFar = ui.written().length;
  session.publish(script(pod('17', extra, ['10.244.1.3:53211-10.96.0.10:53'])));
  await ui.press('End', 'Home');
  expect(ui.written().slice(soFar)).not.toMatch(changed);
  await ui.press('q');
});

test('a filter narrows while it is typed, is kept by Enter, and Esc clears it before it goes back', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24, {name: 'node', words: ['worker-1']});
  await ui.shows('[Pods 30]');
  await ui.press('/web-1');
  const typing = await ui.shows(' /web-1▏');
  expect(typing).toContain('1/11');
  await ui.press('8', 'Backspace', '9', 'Enter');
  const kept = await ui.shows('filter: web-19');
  expect(kept).toMatch(/shop\/web-19/);
  expect(kept).not.toMatch(/shop\/web-1 /);
  await ui.press('/', 'x');
  expect(await ui.shows('None of the 30 rows matches "web-19x".')).not.toContain('shop/web-19 ');
  await ui.press('Esc');
  await ui.shows('filter: web-19 ');
  await ui.press('Esc');
  // The cursor is still on what was found.
  expect(await ui.shows('20/30')).not.toContain('filter:');
  await ui.press('q');
});

test('s sorts by the next column from its worst value, S turns it round', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24, {name: 'node', words: ['worker-1']});
  await ui.shows('[Pods 30]');
  await ui.press('ssss');
  expect(await ui.shows('PEERS▼', true)).toMatch(/^⟦>shop\/web-11 .* 12 /m);
  await ui.press('S');
  expect(await ui.shows('PEERS▲', true)).toMatch(/^⟦>shop\/web-0 .* 0 /m);
  await ui.press('q');
});

test('a column that is sorted or filtered by is on screen, and the order is named', async () => {
  const ui = story(fakeSession(script(), STATUS), 60, 20, POD);
  expect(await ui.shows('4 columns hidden')).not.toContain('RETRANS');
  await ui.press(...'sssssss');
  expect(await ui.shows('sorted by RETRANS ▼', true)).toMatch(/RETRANS▼.*\n⟦>SYN-SENT .* 4⟧/);
  await ui.press('s', 's', '/rtt>1.3', 'Enter');
  expect(await ui.shows('filter: rtt>1.3')).toMatch(/RTT\n.*1\.4 ms/);
  await ui.press('q');
});

test('L shows the columns that are hidden beside the first one, H goes back', async () => {
  const ui = story(fakeSession(script(), STATUS), 60, 20, POD);
  const head = (frame: string) => frame.split('\n').find(line => /^ [A-Z]+ {2}/.test(line));
  const first = head(await ui.shows('4 columns hidden'));
  await ui.press('L');
  expect(head(await ui.frame())).toBe(' PROTO  STATE     LOCAL             PEER');
  await ui.press('L');
  expect(head(await ui.frame())).toBe(' PROTO  POD              NODE      RETRANS     RTT');
  await ui.press('L');
  await ui.shows('There are no more columns to the right.');
  await ui.press('H', 'H');
  expect(head(await ui.frame())).toBe(first);
  await ui.press('H');
  await ui.shows('L shows more.');
  await ui.press('q');
});

test('among fields the cursor starts on the first one that opens something', async () => {
  const view = connection('a', 'b');
  const [facet] = view.facets;
  if (facet?.body.type !== 'fields') throw new Error('these are not fields');
  const fields = [{label: 'join', cells: [{text: 'proven'}]}, ...facet.body.fields];
  const body = {...facet.body, fields};
  const session = fakeSession({'connection a b': {...view, facets: [{...facet, body}]}}, STATUS);
  const ui = story(session, 80, 24, {name: 'connection', words: ['a', 'b']});
  expect(await ui.shows('[Ends]', true)).toMatch(/^⟦>from /m);
  await ui.press('k');
  expect(await ui.shows('>join', true)).toMatch(/^⟦>join /m);
  session.publish({'connection a b': {...view, facets: [{...facet, body}]}});
  expect(await ui.frame(true)).toMatch(/^⟦>join /m);
  await ui.press('q');
});

test('a wide value that is gone gives its room back after some generations, not at once', async () => {
  const busy = pod('a count of retransmits that is far too long for this');
  const session = fakeSession(script(busy), STATUS);
  const ui = story(session, 80, 24, POD);
  await ui.shows('4 columns hidden');
  session.publish(script());
  await ui.shows('4 columns hidden');
  for (let generation = 0; generation < 5; generation++) session.publish(script());
  expect(await ui.shows('2 columns hidden')).toMatch(/RETRANS +RTT/);
  await ui.press('q');
});

test('help explains the keys, and the marks in the line of a recording', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24);
  await ui.shows('[Nodes 3]');
  await ui.press('?');
  await ui.shows('── Keys');
  await ui.press('G');
  expect(await ui.shows('In the line of a recording')).toMatch(/┴ +Something happened to a node there/);
  await ui.press('Esc', 'q');
});

test('Tab goes through the parts of a screen; an empty one says what to do next', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24, POD);
  await ui.shows('[Connections 5]');
  await ui.press('Tab');
  expect(await ui.shows('[Attachment]')).toContain('    └─ veth1a2b  on worker-1, ifindex 14');
  await ui.press('Tab');
  expect(await ui.shows('[Listeners 0]')).toContain('Nothing listens in this pod.');
  await ui.press('\u001b[Z');
  await ui.shows('[Attachment]');
  await ui.press('q');
});

test(': goes to a question by name, with completion; a name that does not exist offers near ones', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24);
  await ui.shows('[Nodes 3]');
  await ui.press(':', 'worker');
  expect(await ui.shows('> node worker-1', true)).toContain('  node worker-2');
  await ui.press('Down', 'Enter');
  await ui.shows('overview › node worker-2');
  await ui.press(':pod shop/wbe-1\r');
  await ui.shows('There is no pod shop/wbe-1');
  await ui.press('Enter');
  await ui.shows(/› pod shop\/web-1$/m);
  await ui.press(':rubbish\r');
  await ui.shows('No question has this name.');
  await ui.press('Esc', 'q');
});

test('e shows the command and the raw lines behind a row', async () => {
  const raw = 'tcp ESTAB 0 0 10.244.1.3:41822 10.244.2.9:5432 ino:48211';
  const texts = [{title: 'worker-1, sockets, 12:03:03', command: 'ss -H -n -a -t', lines: [raw]}];
  const ui = story(fakeSession(script(), STATUS, texts), 80, 24, POD);
  await ui.shows('[Connections 5]');
  await ui.press('e');
  const frame = await ui.shows('── Evidence');
  expect(frame).toContain(' worker-1, sockets, 12:03:03\n $ ss -H -n -a -t\n');
  expect(frame).toContain(` │ ${raw}`);
  await ui.press('Esc');
  expect(await ui.frame()).toContain('>ESTAB');
  await ui.press('q');
});

test('gaps are one line with their number, and ! lists them whole', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24, {name: 'node', words: ['worker-1']});
  await ui.shows(' 2 gaps (! shows all)  worker-1: conntrack was not read');
  await ui.press('!');
  expect(await ui.shows('── What could not be seen here')).toContain('Connect as root');
  await ui.press('q', 'q');
  expect(await ui.ended).toBe(0);
});

test('a prompt waits over the screen until one of its keys is pressed, and nothing else is done', async () => {
  const session = fakeSession(script(), STATUS);
  const ui = story(session, 80, 24);
  await ui.shows('[Nodes 3]');
  session.setPrompt({
    id: 7,
    title: 'The host key of worker-2 is not known.',
    lines: ['ED25519 SHA256:Z0T1m1vQJk4u0xS3eXo5hK0bqv0rA9xk1mZkq7cXw2E'],
    choices: [
      {key: 'a', label: 'accept', value: 'accept'},
      {key: 'r', label: 'refuse', value: 'refuse'},
    ],
  });
  expect(await ui.shows('is not known')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     overview
     3 nodes, 27 pods, 529 sockets; flannel (vxlan) on all nodes
     [Nodes 3]                                                                  1/3





     ╭────────────────────────────────────────────────────────────────────────────╮
     │ The host key of worker-2 is not known.                                     │
     │                                                                            │
     │ ED25519 SHA256:Z0T1m1vQJk4u0xS3eXo5hK0bqv0rA9xk1mZkq7cXw2E                 │
     │                                                                            │
     │  a  accept                                                                 │
     │  r  refuse                                                                 │
     ╰────────────────────────────────────────────────────────────────────────────╯





     Something needs your answer first.
     $ hoptop overview"
  `);
  await ui.press('Enter', 'Esc', 'q', 'j', ':');
  expect(session.acts).toEqual([]);
  await ui.press('r');
  await ui.shows('[Nodes 3]', true);
  expect(session.acts).toEqual([{do: 'answer-prompt', id: 7, value: 'refuse'}]);
  expect(await ui.frame()).not.toContain('is not known');
  await ui.press('q');
});

test('a secret is typed masked; keys are text, Enter gives it, and nothing of it stays', async () => {
  const session = fakeSession(script(), STATUS);
  const ui = story(session, 80, 24);
  await ui.shows('[Nodes 3]');
  const ask = (id: number) =>
    session.setPrompt({
      id,
      title: 'Password of root on worker-2?',
      lines: ['It is kept in memory at most until hoptop ends.'],
      input: {label: 'Password:', masked: true},
      choices: [
        {key: 'Enter', label: 'log in', value: 'once'},
        {key: 'Tab', label: 'log in, and use it for every node that asks root for one', value: 'all'},
        {key: 'Esc', label: 'cancel', value: 'cancel'},
      ],
    });
  ask(1);
  await ui.shows('Password of root');
  await ui.press('qx! ');
  await ui.press('한');
  const frame = await ui.shows('•••••');
  expect(frame).not.toContain('qx!');
  expect(frame.split('\n').slice(8, 19).join('\n')).toMatchInlineSnapshot(`
    " ╭────────────────────────────────────────────────────────────────────────────╮
     │ Password of root on worker-2?                                              │
     │                                                                            │
     │ It is kept in memory at most until hoptop ends.                            │
     │                                                                            │
     │ Password: •••••▏                                                           │
     │                                                                            │
     │  Enter  log in                                                             │
     │  Tab    log in, and use it for every node that asks root for one           │
     │  Esc    cancel                                                             │
     ╰────────────────────────────────────────────────────────────────────────────╯"
  `);
  await ui.press('\u007f');
  await ui.press('\r');
  await ui.shows('[Nodes 3]', true);
  expect(session.acts).toEqual([{do: 'answer-prompt', id: 1, value: 'once', text: 'qx! '}]);
  ask(2);
  expect(await ui.shows('Password of root')).not.toContain('•');
  await ui.press('pasted secret');
  await ui.press('\t');
  expect(session.acts.at(-1)).toEqual({do: 'answer-prompt', id: 2, value: 'all', text: 'pasted secret'});
  ask(3);
  await ui.shows('Password of root');
  await ui.press('\u0015');
  await ui.press('\u001b');
  expect(session.acts.at(-1)).toEqual({do: 'answer-prompt', id: 3, value: 'cancel', text: ''});
  await ui.press('q');
});

test('while nodes are reached, each says what it is busy with and why it is lost', async () => {
  const nodes = [
    STATUS.nodes[0]!,
    {
      id: 'w1',
      name: 'w1',
      state: 'dialling',
      step: 'authenticating',
      since: '2026-11-05T12:03:01.000Z',
      sweep: 0,
    },
    {
      id: 'w2',
      name: 'w2',
      state: 'lost',
      cause: 'w2: connection refused by 10.0.0.3 port 22. Check that sshd runs there.',
      since: '2026-11-05T12:02:00.000Z',
      sweep: 0,
    },
  ] as const;
  const session = fakeSession({}, {...STATUS, nodes});
  const ui = story(session, 80, 24);
  expect(await ui.shows('Waiting for')).toMatchInlineSnapshot(`
    " hoptop  ssh · 1 of 3 nodes reached, 1 lost             data 1 s old, every 2 s
     n nodes  w1: authenticating, 3 s · w2: lost, 1 min 04 s
     overview

     Waiting for the first answer to "overview".

     ✓ control  reached, 2 min 04 s · 40 sweeps, last 1 s ago, 41 ms, CPU 30 ms
     … w1       authenticating, 3 s · not read yet
     ✗ w2       lost, 1 min 04 s · not read yet
         w2: connection refused by 10.0.0.3 port 22. Check that sshd runs there.












     : go to  Space pause  ? help  q quit
     $ hoptop overview"
  `);
  session.publish(script());
  await ui.shows('[Nodes 3]');
  await ui.press('n');
  expect(await ui.shows('── Nodes')).toContain('connection refused by 10.0.0.3 port 22');
  await ui.press('Esc', 'q');
});

test('a recording shows its transport, and its keys step, play and change speed', async () => {
  const session = fakeSession(script(), {
    ...STATUS,
    source: 'demo.hop',
    player: {
      from: '2026-11-05T12:02:00.000Z',
      to: '2026-11-05T12:04:10.000Z',
      at: STATUS.now,
      speed: 1,
      playing: true,
      events: [{at: '2026-11-05T12:02:40.000Z', text: 'worker-2 lost'}],
    },
  });
  const ui = story(session, 80, 24);
  expect((await ui.shows('[Nodes 3]')).split('\n').slice(0, 2)).toMatchInlineSnapshot(`
    [
      " hoptop  demo.hop · 3 nodes reached                                     playing",
      " ▶ 12:03:04 ━━━━━━━━┴━━━━●───────────── 1:04 / 2:10  ×1  12:02:40 worker-2 lost",
    ]
  `);
  await ui.press(' ', '.,', '>', '<', '{}', '05', 'r', 'R');
  expect(session.acts).toEqual([
    {do: 'play', playing: false},
    {do: 'step', by: 1},
    {do: 'step', by: -1},
    {do: 'speed', speed: 2},
    {do: 'speed', speed: 0.5},
    {do: 'seek', at: '2026-11-05T12:02:54.000Z'},
    {do: 'seek', at: '2026-11-05T12:03:14.000Z'},
    {do: 'seek', at: '2026-11-05T12:02:00.000Z'},
    {do: 'seek', at: '2026-11-05T12:03:05.000Z'},
  ]);
  await ui.shows('This is a recording already.');
  await ui.press('q');
});

test('a recording in which no node was read says so instead of showing empty tables', async () => {
  const moment = '2026-11-05T12:02:00.000Z';
  const player = {from: moment, to: moment, at: moment, speed: 1, playing: false, events: []};
  const nodes = STATUS.nodes.map(({id, name, since}) => ({
    id,
    name,
    since,
    state: 'dialling' as const,
    sweep: 0,
  }));
  const session = fakeSession(script(), {...STATUS, source: 'cut.hop', nodes, player});
  const ui = story(session, 80, 24);
  const frame = await ui.shows('This recording holds nothing that can be shown');
  expect(frame).toContain('it ends before any of');
  expect(frame).not.toMatch(/connecting|\[Nodes|worker-1 +Ready/);
  expect(frame.split('\n')).toHaveLength(24);
  // As long as more follows, what was recorded is shown.
  session.setStatus({player: {...player, to: '2026-11-05T12:04:00.000Z'}});
  expect(await ui.shows('[Nodes 3]')).toContain('connecting');
  await ui.press('q');
});

test('live: space pauses and says so, r reads again, R records into a file that can be named', async () => {
  const session = fakeSession(script(), STATUS);
  const ui = story(session, 80, 24);
  await ui.shows('every 2 s');
  await ui.press(' ');
  await ui.shows('PAUSED, data 1 s old');
  await ui.press('r', 'R');
  await ui.shows('Record into the file: hoptop-20261105-120304.hop▏');
  await ui.press('\u0015', 'a b.hop', 'Enter', '.');
  await ui.shows('this is live');
  expect(session.acts).toEqual([
    {do: 'pause', paused: true},
    {do: 'refresh'},
    {do: 'record', file: 'a b.hop'},
  ]);
  await ui.press('q');
});

test('a resize lays out again, and too small a terminal gets a sentence', async () => {
  const session = fakeSession({...script(), 'connection a b': connection('a', 'b')}, STATUS);
  const ui = story(session, 120, 40, POD);
  await ui.shows('PROTO');
  ui.resize(70, 18);
  const narrow = await ui.shows('hidden');
  expect(narrow).not.toContain('PROTO');
  expect(narrow.split('\n')).toHaveLength(18);
  ui.resize(40, 10);
  expect(await ui.shows('60×16')).toMatchInlineSnapshot(`
    "hoptop needs a terminal of 60×16; this
    one is 40×10. Enlarge it, or press q and
    have the answer printed: hoptop pod
    shop/web-1





    "
  `);
  ui.resize(120, 40);
  await ui.shows('PROTO');
  await ui.press('q');
  expect(await ui.ended).toBe(0);
});

test('Ctrl-C quits from anywhere, and the terminal is as it was', async () => {
  const ui = story(fakeSession(script(), STATUS), 80, 24);
  await ui.shows('[Nodes 3]');
  await ui.press(':', 'Ctrl-C');
  expect(await ui.ended).toBe(0);
  expect(ui.written()).toMatch(/^\u001b\[\?1049h/);
  expect(ui.written().lastIndexOf('\u001b[?1049l')).toBeGreaterThan(
    ui.written().lastIndexOf('\u001b[?1049h'),
  );
  expect(ui.written().lastIndexOf('\u001b[?25h')).toBeGreaterThan(ui.written().lastIndexOf('\u001b[?25l'));
});

test('no frame is ever cleared before it is drawn, so nothing flickers', async () => {
  const session = fakeSession(script(), STATUS);
  const ui = story(session, 80, 24, POD);
  await ui.shows('[Connections 5]');
  const start = ui.written().length;
  await ui.press('jjj', 'kk', 'Tab', 'Tab', '?', 'Esc');
  session.publish(script(pod('9')));
  await ui.frame();
  const written = ui.written().slice(start);
  expect(written.length).toBeGreaterThan(0);
  expect(written).not.toMatch(/\u001b\[[023]?J/);
  await ui.press('q');
});
