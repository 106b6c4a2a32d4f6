import {expect, test} from 'vitest';
import {ask} from '../../source/questions/catalogue.ts';
import {isMissing} from '../../source/questions/definition.ts';
import type {Question} from '../../source/questions/question.ts';
import {commandOf} from '../../source/ui/command.ts';
import {toView} from '../../source/views/catalogue.ts';
import {shop} from '../views/shop.ts';
import {fakeSession, type Script} from './fake-session.ts';
import {STATUS} from './sample-views.ts';
import {story} from './story.ts';

const QUESTION: Question = {name: 'connection', words: ['10.2.1.5:40000-10.2.2.9:5432']};

function viewOf(question: Question): Script[string] {
  const found = ask(shop(), question);
  return isMissing(found) ? found : toView(found);
}

/** The connection, and where its lines lead. */
function open(columns: number, rows: number) {
  const questions: Question[] = [
    QUESTION,
    {name: 'node', words: ['n1']},
    {name: 'node', words: ['n2']},
    {name: 'link', words: ['shop/db-0:eth0']},
  ];
  const script = Object.fromEntries(questions.map(one => [commandOf(one), viewOf(one)]));
  return story(fakeSession(script, STATUS), columns, rows, QUESTION);
}

test('120×40: both ends side by side, what stalls and what differs between them', async () => {
  const ui = open(120, 40);
  const frame = await ui.shows('[Both ends]', true);
  expect(frame.split('\n').slice(0, 28).join('\n')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                                                                  data 1 s old, every 2 s
     connection 10.2.1.5:40000-10.2.2.9:5432
     postgres in shop/db-0 has not read 4096 bytes that arrived, and 9000 bytes wait to be sent to it.
     [Both ends]
                 this end                                       other end
     address     10.2.1.5:40000                                 10.2.2.9:5432
    >node        n1                                             n2
     pod         shop/web-1                                     shop/db-0
     container   httpd                                          postgres
     process     n1:51 httpd                                    n2:60 postgres
     user        root                                           root
     netns       110                                            110
     state       ESTAB                                          ESTAB
     recv-q      0                                            ! 4096
     send-q      9000                                         ! 0
     rtt         1.3 ms                                         1.5 ms
     retrans     3                                            ! 0
     congestion  -                                              -
     interface   shop/web-1:eth0                                shop/db-0:eth0
     mtu         1450                                         ≠ 1500
     traffic     ↓10.0 kB/s ↑20.0 kB/s  RX 40.0 kB TX 80.0 kB   not read
     lost        0                                              not read
     host link   n1/veth7                                       n2/veth7
     host lost   2 RX dropped                                   not read
     socket      held by 51/httpd                               held by 60/postgres
     join        proven  both ends were seen, each with the other as its remote

    "
  `);
  await ui.press('q');
});

test('200×60: both ends side by side, what stalls and what differs between them', async () => {
  const ui = open(200, 60);
  const frame = await ui.shows('[Both ends]', true);
  expect(frame.split('\n').slice(0, 28).join('\n')).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                                                                                                                                                  data 1 s old, every 2 s
     connection 10.2.1.5:40000-10.2.2.9:5432
     postgres in shop/db-0 has not read 4096 bytes that arrived, and 9000 bytes wait to be sent to it.
     [Both ends]
                 this end                                       other end
     address     10.2.1.5:40000                                 10.2.2.9:5432
    >node        n1                                             n2
     pod         shop/web-1                                     shop/db-0
     container   httpd                                          postgres
     process     n1:51 httpd                                    n2:60 postgres
     user        root                                           root
     netns       110                                            110
     state       ESTAB                                          ESTAB
     recv-q      0                                            ! 4096
     send-q      9000                                         ! 0
     rtt         1.3 ms                                         1.5 ms
     retrans     3                                            ! 0
     congestion  -                                              -
     interface   shop/web-1:eth0                                shop/db-0:eth0
     mtu         1450                                         ≠ 1500
     traffic     ↓10.0 kB/s ↑20.0 kB/s  RX 40.0 kB TX 80.0 kB   not read
     lost        0                                              not read
     host link   n1/veth7                                       n2/veth7
     host lost   2 RX dropped                                   not read
     socket      held by 51/httpd                               held by 60/postgres
     join        proven  both ends were seen, each with the other as its remote

    "
  `);
  await ui.press('q');
});

test('60×20: one end under the other', async () => {
  const ui = open(60, 20);
  expect(await ui.shows('[Both ends]', true)).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached      data 1 s old, every 2 s
     connection 10.2.1.5:40000-10.2.2.9:5432
     postgres in shop/db-0 has not read 4096 bytes that
     arrived, and 9000 bytes wait to be sent to it.
     [Both ends]
                 this end
     address     10.2.1.5:40000
    ⟦>node        n1⟧
     pod         shop/web-1
     container   httpd
     process     n1:51 httpd
     user        root
     netns       110
     state       ESTAB
     recv-q      0
     send-q      9000  !
     rtt         1.3 ms
     1 gap (! shows all)  n3: Connection refused by n3:22. Is s…
     Enter open  o other end  e evidence  ? help  q quit
     $ hoptop connection 10.2.1.5:40000-10.2.2.9:5432"
  `);
  await ui.press('G');
  expect(await ui.frame()).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached      data 1 s old, every 2 s
     connection 10.2.1.5:40000-10.2.2.9:5432
     postgres in shop/db-0 has not read 4096 bytes that
     arrived, and 9000 bytes wait to be sent to it.
     [Both ends]
     rtt         1.5 ms
     retrans     0
     congestion  -
     interface   shop/db-0:eth0
     mtu         1500  ≠ 1450 at the other
     traffic     not read
     lost        not read
     host link   n2/veth7
     host lost   not read
     socket      held by 60/postgres
     join        proven  both ends were seen, each with the
    >            other as its remote
     1 gap (! shows all)  n3: Connection refused by n3:22. Is s…
     o other end  e evidence  m mark  p path  ? help  q quit
     $ hoptop connection 10.2.1.5:40000-10.2.2.9:5432"
  `);
  await ui.press('q');
});

test('80×24: one end under the other', async () => {
  const ui = open(80, 24);
  expect(await ui.shows('[Both ends]', true)).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     connection 10.2.1.5:40000-10.2.2.9:5432
     postgres in shop/db-0 has not read 4096 bytes that arrived, and 9000 bytes
     wait to be sent to it.
     [Both ends]
                 this end
     address     10.2.1.5:40000
    ⟦>node        n1⟧
     pod         shop/web-1
     container   httpd
     process     n1:51 httpd
     user        root
     netns       110
     state       ESTAB
     recv-q      0
     send-q      9000  !
     rtt         1.3 ms
     retrans     3  !
     congestion  -
     interface   shop/web-1:eth0
     mtu         1450  ≠ 1500 at the other
     1 gap (! shows all)  n3: Connection refused by n3:22. Is sshd running there?
     Enter open  o other end  e evidence  m mark  p path  : go to  ? help  q quit
     $ hoptop connection 10.2.1.5:40000-10.2.2.9:5432"
  `);
  await ui.press('G');
  expect(await ui.frame()).toMatchInlineSnapshot(`
    " hoptop  ssh · 3 nodes reached                          data 1 s old, every 2 s
     connection 10.2.1.5:40000-10.2.2.9:5432
     postgres in shop/db-0 has not read 4096 bytes that arrived, and 9000 bytes
     wait to be sent to it.
     [Both ends]
     user        root
     netns       110
     state       ESTAB
     recv-q      4096  !
     send-q      0
     rtt         1.5 ms
     retrans     0
     congestion  -
     interface   shop/db-0:eth0
     mtu         1500  ≠ 1450 at the other
     traffic     not read
     lost        not read
     host link   n2/veth7
     host lost   not read
     socket      held by 60/postgres
    >join        proven  both ends were seen, each with the other as its remote
     1 gap (! shows all)  n3: Connection refused by n3:22. Is sshd running there?
     o other end  e evidence  m mark  p path  : go to  Space pause  ? help  q quit
     $ hoptop connection 10.2.1.5:40000-10.2.2.9:5432"
  `);
  await ui.press('q');
});

test('each side opens its own, and p shows the way from one to the other', async () => {
  const ui = open(120, 40);
  await ui.shows('[Both ends]');
  await ui.press('Enter');
  await ui.shows('› node n1');
  await ui.press('Esc', 'l', 'Enter');
  await ui.shows('› node n2');
  await ui.press('Esc', 'm');
  await ui.shows('A is shop/db-0: p shows the path');
  await ui.press('h', 'p');
  await ui.shows('› path shop/db-0 shop/web-1');
  await ui.press('Esc', 'l', 'm', 'p');
  await ui.shows('› path shop/db-0 10.2.1.5');
  await ui.press('q');
});

test('a terminal that gets narrower keeps the cursor, one that gets wider too', async () => {
  const ui = open(120, 40);
  await ui.shows('[Both ends]');
  ui.resize(80, 24);
  expect(await ui.shows(/^ +this end$/m)).not.toMatch(/this end +other end/);
  ui.resize(120, 40);
  await ui.shows(/this end +other end/);
  await ui.press('q');
});
