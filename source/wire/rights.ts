import type {How} from './become.ts';

/** The first line that a node's shell is fed: it becomes root where it may, or stays who it is and keeps why. */

export type Rights = {
  readonly how: How;
  /**
   * Where sudo wants a password it is asked for, with this text, new in every session, as its prompt. It goes as
   * `TOKEN` to standard error each time that sudo asks, to standard output with `+` once sudo let in, and to both with
   * `-` before it when it did not; a line that says why is then waited for.
   */
  readonly token?: string;
};

/** What reads then run as: `hop_by`, which the fact `identity` tells. */
const asRoot = (by: string) => `hop_by=${by}; hop_uid=$(id -u); IFS= read -r boot && eval "$boot"`;

/** A refusal on one line; `missing` where there is no such program. */
const tried = (tool: 'sudo' | 'doas') =>
  `if command -v ${tool} >/dev/null 2>&1; then ` +
  // Tried with what it is wanted for, a shell; what it says is kept.
  `if hop_x=$(${tool} -n sh -c : 2>&1 </dev/null); then exec ${tool} -n sh -c '${asRoot(tool)}'; fi; ` +
  `set -f; set -- $hop_x; set +f; hop_${tool}="$*"; else hop_${tool}=missing; fi`;

/**
 * With a password only sudo reads from the shell's own input, a byte at a time, as it does (`sudo -S`). The program
 * behind this line is taken out of its way first; it runs here if sudo does not let in, which it says by status 1.
 * `-k`: nothing is kept that would let in without a password later, and no file is written for it.
 */
const withPassword = (token: string) =>
  `case $hop_sudo in *"is required"*) IFS= read -r hop_b; hop_b=\${hop_b#*-c }; hop_a=$(head -c "\${hop_b%%")"*}"); ` +
  `sudo -k -S -p ${token} sh -c 'echo ${token}+; ${asRoot('sudo-password')}'; [ $? = 1 ] || exit 0; ` +
  `echo -${token} >&2; echo -${token}; IFS= read -r hop_sudo; case $hop_a in *"#go") eval "$hop_a";; esac; exit 0;; esac`;

export function rightsLine({how, token}: Rights): string {
  const steps = [
    ...(how === 'auto' || how === 'sudo' ? [tried('sudo')] : []),
    ...(how === 'auto' || how === 'doas' ? [tried('doas')] : []),
    ...(token !== undefined && how !== 'doas' && how !== 'none' ? [withPassword(token)] : []),
  ];
  return (
    'PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH; LC_ALL=C; export LC_ALL; ' +
    'hop_uid=$(id -u); hop_by=login; hop_sudo=; hop_doas=; ' +
    `if [ "$hop_uid" != 0 ]; then hop_by=none; ${steps.map(step => `${step}; `).join('')}fi; ` +
    'IFS= read -r boot && eval "$boot"'
  );
}
