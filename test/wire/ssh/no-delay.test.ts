import {spawnSync} from 'node:child_process';
import {readdirSync, readlinkSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {dialNode, knownHosts, target} from './setup.ts';
import {makeKey, missing, startSshd, temporary} from './sshd.ts';

/** Takes a copy of another process's socket (pidfd_getfd(2)) and asks the kernel about it: Node has no such call. */
const ASK = `
import ctypes, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
pid, port = int(sys.argv[1]), int(sys.argv[2])
pidfd = libc.syscall(434, pid, 0)
for number in map(int, sys.argv[3:]):
    fd = libc.syscall(438, pidfd, number, 0)
    if fd < 0:
        sys.exit('pidfd_getfd: errno %d' % ctypes.get_errno())
    with socket.socket(fileno=fd) as s:
        if s.family in (socket.AF_INET, socket.AF_INET6) and s.type == socket.SOCK_STREAM:
            try:
                peer = s.getpeername()
            except OSError:
                continue
            if peer[1] == port:
                print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
`;

const python = spawnSync('python3', ['-c', '']).status === 0;

test.skipIf(missing() || !python).each(['127.0.0.1', 'localhost'])(
  'TCP_NODELAY is set on the way to %s',
  async host => {
    const directory = temporary();
    const sshd = await startSshd();
    const key = join(directory, 'id');
    sshd.authorize(makeKey(key));
    const flags = {
      identity: [key],
      'known-hosts': knownHosts(directory, sshd.known.replace('127.0.0.1', host)),
    };
    const shell = await dialNode({...target(sshd), host}, {flags});
    try {
      const sockets = readdirSync('/proc/self/fd').filter(fd => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
        } catch {
          return false;
        }
      });
      const args = ['-c', ASK, String(process.pid), String(sshd.port), ...sockets];
      const asked = spawnSync('python3', args, {encoding: 'utf8'});
      expect(asked.stderr).toBe('');
      expect(asked.stdout.trim()).toBe('1');
    } finally {
      shell.end();
      await shell.gone;
      await sshd.stop();
      rmSync(directory, {recursive: true});
    }
  },
);
