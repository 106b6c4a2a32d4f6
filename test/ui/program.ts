import {openUi} from '../../source/ui/open.tsx';
import {fakeSession} from './fake-session.ts';
import {pod, STATUS, script} from './sample-views.ts';

/**
 * The whole UI over a fake session, as a process of its own. Its argument chooses what happens: `crash` and `reject`
 * fail after a moment, `live` changes values every two seconds, `slow` shows
 * nodes being reached, `play` a recording.
 */
const mode = process.argv[2];
const session = fakeSession(mode === 'slow' ? {} : script(), STATUS, [
  {
    title: 'worker-1, sockets, 12:03:03',
    command: 'ss -H -n -a -t -u -i -e -m',
    lines: [
      'tcp   ESTAB 0      0      10.244.1.3:41822      10.244.2.9:5432  ino:48211 sk:1003 cgroup:/kubepods',
    ],
  },
]);

if (mode === 'crash') setTimeout(() => fail(), 1500);
if (mode === 'reject') setTimeout(() => void Promise.reject(new Error('planted rejection')), 1500);
if (mode === 'prompt') {
  session.setPrompt({
    id: 1,
    title: 'The host key of worker-2 (10.0.0.3) is not known.',
    lines: [
      'ED25519 SHA256:Z0T1m1vQJk4u0xS3eXo5hK0bqv0rA9xk1mZkq7cXw2E',
      'Compare it with the one that the machine itself shows: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    ],
    choices: [
      {key: 'a', label: 'accept it and remember it', value: 'accept'},
      {key: 'o', label: 'accept it for this time only', value: 'once'},
      {key: 'r', label: 'refuse: worker-2 stays unread', value: 'refuse'},
    ],
  });
}
if (mode === 'slow') {
  session.setStatus({
    nodes: [
      {...STATUS.nodes[0]!},
      {
        id: 'worker-1',
        name: 'worker-1',
        state: 'dialling',
        step: 'authenticating',
        since: '2026-11-05T12:03:01.000Z',
        sweep: 0,
      },
      {
        id: 'worker-2',
        name: 'worker-2',
        state: 'lost',
        cause:
          'worker-2: connection refused by 10.0.0.3 port 22. Check that sshd runs there, or name another port (user@host:port).',
        since: '2026-11-05T12:03:00.000Z',
        sweep: 0,
      },
    ],
  });
}
if (mode === 'play') {
  session.setStatus({
    source: 'demo.hop',
    player: {
      from: '2026-11-05T12:02:00.000Z',
      to: '2026-11-05T12:04:10.000Z',
      at: STATUS.now,
      speed: 1,
      playing: true,
      events: [
        {at: '2026-11-05T12:02:40.000Z', text: 'worker-2 lost'},
        {at: '2026-11-05T12:03:30.000Z', text: 'worker-2 back'},
      ],
    },
  });
}
if (mode === 'live') {
  let tick = 0;
  setInterval(() => {
    tick++;
    const now = new Date(Date.parse(STATUS.now) + tick * 2000).toISOString();
    session.setStatus({now, nodes: STATUS.nodes.map(node => ({...node, at: now, sweep: node.sweep + tick}))});
    session.publish(script(pod(String(3 + tick))));
  }, 2000).unref();
}

function fail(): never {
  throw new Error('planted crash');
}

process.exitCode = await openUi(session, {
  start: {name: 'overview', words: []},
  toView: session.toView,
  colour: (process.env['NO_COLOR'] ?? '') === '',
});
// What a real program leaves running (the worker) must not keep this one alive.
process.exit();
