/** By what reads run as the user that they run as, and what was refused on the way there (`wire/rights.ts`). */
import type {Span} from './evidence.ts';
import {sanitise} from './text.ts';

/**
 * `login`: root logged in. `sudo`, `doas`: without a password. `sudo-password`: with the one that the person gave.
 * `none`: none of these, so it is the ordinary user who logged in.
 */
export const MEANS = ['login', 'sudo', 'sudo-password', 'doas', 'none'] as const;
export type Means = (typeof MEANS)[number];

export type Rights = {
  /** Where in the reply of `identity` it stands. */
  readonly span: Span;
  readonly means: Means;
  /** Name of the user who logged in. */
  readonly user?: string;
  /** What sudo said when it refused; `missing` where there is none; absent where it was not tried, or let in. */
  readonly sudo?: string;
  /** The same of doas. */
  readonly doas?: string;
};

/** From the labelled lines of the fact `identity`; undefined where they do not tell, as in older recordings. */
export function rightsOf(found: ReadonlyMap<string, string>, span: Span): Rights | undefined {
  const means = MEANS.find(one => one === found.get('by'));
  if (means === undefined) return undefined;
  const said = (tool: 'sudo' | 'doas') => {
    const text = sanitise(found.get(tool) ?? '')
      .trim()
      .slice(0, 300);
    return text === '' || means !== 'none' ? {} : {[tool]: text};
  };
  const user = sanitise(found.get('user') ?? '');
  return {span, means, ...(user === '' ? {} : {user}), ...said('sudo'), ...said('doas')};
}

/** Why nobody became root, and what would change that; the way there is by sudo unless only doas is there. */
export function refusals({sudo, doas}: Pick<Rights, 'sudo' | 'doas'>): string[] {
  return [
    ...(sudo === undefined ? [] : [sudoRefusal(sudo)]),
    ...(doas === undefined ? [] : [doasRefusal(doas)]),
  ];
}

/** Texts of sudo 1.9 (sudo.c, check.c, auth/sudo_auth.c, sudoers.c) and sudo-rs. */
function sudoRefusal(said: string): string {
  if (said === 'missing') return 'sudo is not installed there';
  if (/ is required$/.test(said))
    return 'sudo wants a password there, which the UI asks for (a command that prints cannot)';
  if (wantsTerminal({sudo: said}))
    return 'sudo wants a terminal there (`requiretty`), which hoptop never opens: add `Defaults:USER !requiretty`';
  if (/not in the sudoers file/.test(said)) return 'the sudoers file does not name that user';
  if (/is not allowed to (execute|run)/.test(said))
    return 'sudoers does not allow that user to run sh as root';
  if (/incorrect password/.test(said)) return `sudo did not take the password (${plain(said)})`;
  return `sudo says: ${plain(said)}`;
}

/** Texts of OpenDoas 6.8 (doas.c, pam.c). */
function doasRefusal(said: string): string {
  if (said === 'missing') return 'doas is not installed there';
  if (/Authentication required|Authorization required/i.test(said))
    return 'doas wants a password there, which it takes from a terminal only: add `nopass`';
  if (/not permitted/i.test(said)) return 'doas.conf does not allow that user to run sh as root';
  if (/not enabled/.test(said)) return 'doas has no doas.conf there';
  return `doas says: ${plain(said)}`;
}

const plain = (text: string) => text.replace(/\.$/, '');

/** Whether sudoers turns away whoever has no terminal. */
export const wantsTerminal = ({sudo}: Pick<Rights, 'sudo'>): boolean =>
  sudo !== undefined && /must have a tty/.test(sudo);

/** Whether doas is the way to root there: it was, or sudo is not installed and doas is. */
export const doasOnly = ({means, sudo, doas}: Rights): boolean =>
  means === 'doas' || (sudo === 'missing' && doas !== undefined && doas !== 'missing');
