import {execFileSync, spawn} from 'node:child_process';
import {statSync} from 'node:fs';
import {setTimeout as pause} from 'node:timers/promises';

/** Network namespaces of this machine made for a test: one held by a process, one by its bind mount alone. */
export type Namespaces = {
  /** Inode of the namespace this process is in. */
  readonly own: string;
  readonly held: string;
  readonly named: string;
  /** Ends the process that holds `held`, which ends the namespace. */
  drop(): Promise<void>;
  remove(): Promise<void>;
};

const inode = (path: string) => String(statSync(path, {bigint: true}).ino);

export const canMakeNamespaces = (): boolean => {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('unshare', ['--net', 'true'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
};

let made = 0;

export async function makeNamespaces(): Promise<Namespaces> {
  made += 1;
  const own = inode('/proc/self/ns/net');
  const name = `hopwire-${process.pid}-${made}`;
  execFileSync('ip', ['netns', 'add', name]);
  const holder = spawn('unshare', ['--net', 'sleep', '600'], {stdio: 'ignore'});
  const gone = new Promise<void>(resolve => holder.once('exit', () => resolve()));
  const path = `/proc/${holder.pid}/ns/net`;
  for (let tries = 0; inode(path) === own; tries++) {
    if (tries > 200) throw new Error('unshare made no network namespace');
    await pause(10);
  }
  const drop = async () => {
    holder.kill('SIGKILL');
    await gone;
  };
  return {
    own,
    held: inode(path),
    named: inode(`/run/netns/${name}`),
    drop,
    async remove() {
      await drop();
      execFileSync('ip', ['netns', 'del', name]);
    },
  };
}
