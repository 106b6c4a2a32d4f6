/** Nodes by patterns: the hosts that ssh's configuration names, as shells complete them. */
import {homedir} from 'node:os';
import {UsageError} from './options.ts';
import {readConfigs} from './wire/ssh/config-files.ts';
import {globMatches} from './wire/ssh/patterns.ts';
import {hostNames} from './wire/ssh/settings.ts';

/**
 * What `[USER@]PATTERN[:PORT]` means: each host that the configuration names and the pattern fits, in the order of the
 * file, with that user and port. Throws `UsageError` where there is none.
 */
export function namedLike(target: string, config: string | undefined): string[] {
  const [, user = '', pattern = '', port = ''] = /^(.*@)?([^:]*)(:\d+)?$/.exec(target) ?? [];
  let names: readonly string[];
  try {
    names = hostNames(readConfigs(config, homedir()));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const found = names.filter(name => globMatches(pattern, name));
  if (found.length > 0) return found.map(name => `${user}${name}${port}`);
  const there = names.length === 0 ? 'It names no host.' : `It names ${names.slice(0, 10).join(', ')}.`;
  throw new UsageError(
    `No host of ${config ?? '~/.ssh/config'} is called like "${pattern}". ${names.length > 10 ? there.replace(/\.$/, ' and others.') : there}`,
  );
}
