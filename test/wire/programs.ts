import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/**
 * Programs that stand where a login shell stands (`PROGRAM -c COMMAND`) and prepare something first. `script` is
 * shell text that ends in running "$login_command".
 */
export function createPrograms() {
  const folder = mkdtempSync(join(tmpdir(), 'hopwire-'));
  let made = 0;
  return {
    folder,
    program(script: string): string {
      made += 1;
      const path = join(folder, `login-${made}`);
      writeFileSync(path, `#!/bin/sh\nlogin_command=$2; export login_command\n${script}\n`, {mode: 0o755});
      return path;
    },
    remove: () => rmSync(folder, {recursive: true, force: true}),
  };
}
