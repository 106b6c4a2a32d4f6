import type {Target} from './cli/targets.ts';
import {UsageError} from './options.ts';
import {parseTarget, type Target as SshTarget} from './wire/ssh/target.ts';

/** How ssh gets to a node that was named. Throws `UsageError` for what is no target. */
export function sshTargetOf({target, jump}: Target): SshTarget {
  try {
    return {...parseTarget(target), ...(jump === undefined ? {} : {jump})};
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
