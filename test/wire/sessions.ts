import {readdirSync, readFileSync} from 'node:fs';
import {setTimeout as pause} from 'node:timers/promises';

/** Processes of a session (proc_pid_stat(5), field 6), as `pid (name) state`; those already dead are left out. */
export function sessionOf(leader: number): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    } catch {
      continue;
    }
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(fields[3]) === leader && fields[0] !== 'Z')
      found.push(stat.slice(0, stat.lastIndexOf(')') + 3));
  }
  return found;
}

/** Waits until nothing of a session is left; fails with what is. */
export async function untilEmpty(leader: number, seconds = 8): Promise<void> {
  for (let tries = 0; tries < seconds * 20; tries++) {
    if (sessionOf(leader).length === 0) return;
    await pause(50);
  }
  throw new Error(`left behind: ${sessionOf(leader).join(', ')}`);
}
