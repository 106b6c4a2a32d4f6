/** Which proof of identity is offered next (RFC 4252): keys, prompts of the server, a password. */
import type {Method} from './hop-settings.ts';
import type {Keys} from './keys.ts';
import type {AnyAuthMethod} from './library.ts';
import type {Ask, Secrets} from './secrets.ts';
import {type AuthFailure, at, clean, type Where} from './sentences.ts';

export type Login = {
  /**
   * The next attempt; `undefined` when there is none left. `left`: what the server takes, null before it said so;
   * `partial`: it took the last proof and wants another one.
   */
  next(left: readonly string[] | null, partial: boolean): Promise<AnyAuthMethod | undefined>;
  /** Something that an attempt ran into, as a sentence or its name. */
  note(sentence: string): void;
  lastTried(): string | undefined;
  failure(): AuthFailure;
};

export type LoginOptions = {
  readonly where: Where;
  readonly keys: Keys;
  readonly secrets: Secrets;
  readonly ask: Ask;
  /** False where the server's identity is in doubt: nothing that could be used elsewhere is sent to it then. */
  readonly trusted: () => boolean;
  /** The person cancelled in the middle of an attempt. */
  readonly cancelled: () => void;
};

export function createLogin({where, keys, secrets, ask, trusted, cancelled}: LoginOptions): Login {
  const {hop} = where;
  const notes = [...keys.notes];
  const tried: string[] = [];
  /** Answers that were refused, by what they were answers to. */
  const refused = new Map<string, (readonly string[])[]>();
  let offers = hop.methods.includes('publickey') ? [...keys.offers] : [];
  let wants: readonly string[] | undefined;
  let partial = false;
  let gaveUp = false;
  let left = {password: hop.prompts, 'keyboard-interactive': hop.prompts};
  /** What was given in the attempt that is under way. */
  let given: {readonly covers: string; readonly texts: readonly string[]}[] = [];
  /** Prompts seen in a keyboard-interactive attempt; undefined while none is under way. */
  let rounds: number | undefined;
  const mayAsk = () => secrets.canAsk && trusted() && !gaveUp;

  const request = async (wanted: Parameters<Ask>[0]) => {
    const texts = await ask(wanted, refused.get(wanted.covers) ?? []);
    if (texts === undefined) gaveUp = true;
    else given.push({covers: wanted.covers, texts});
    return texts;
  };

  const settle = (proved: boolean) => {
    for (const {covers, texts} of given) {
      if (proved) continue;
      refused.set(covers, [...(refused.get(covers) ?? []), texts]);
      secrets.forget(covers, texts);
    }
    given = [];
    // A server that fails without having asked anything has nothing to ask.
    if (rounds === 0 && !proved) left = {...left, 'keyboard-interactive': 0};
    rounds = undefined;
  };

  const who = `${hop.user} on ${at(where)}`;
  const kind = where.node === undefined ? 'jump hosts' : 'nodes';

  const password = async (): Promise<AnyAuthMethod | undefined> => {
    const texts = await request({
      title: `Password of ${who}?`,
      lines: ['It is sent to that machine alone, over the encrypted connection.'],
      inputs: [{label: 'Password:', masked: true}],
      covers: `password of ${hop.user} on ${kind}`,
      all: `use it for ${hop.user} on all ${kind}, until hoptop ends`,
    });
    if (texts === undefined) return undefined;
    tried.push('the password that was given');
    return {type: 'password', username: hop.user, password: texts[0]!};
  };

  const keyboard = (): AnyAuthMethod => {
    rounds = 0;
    return {
      type: 'keyboard-interactive',
      username: hop.user,
      prompt: (name, instructions, _language, prompts, finish) => {
        rounds = (rounds ?? 0) + 1;
        if (rounds === 1) tried.push('the answers that were given');
        const inputs = prompts.map(({prompt, echo}) => ({
          label: clean(prompt, 60) || 'Answer:',
          masked: echo !== true,
        }));
        request({
          title: `${at(where)} asks ${hop.user}`,
          lines: [name, instructions].map(text => clean(text, 400)).filter(text => text !== ''),
          inputs,
          covers: `${inputs.map(({label}) => label).join()} of ${hop.user} on ${kind}`,
          all: `use it for ${hop.user} on all ${kind} that ask the same, until hoptop ends`,
        }).then(texts => (texts ? finish([...texts]) : cancelled()), cancelled);
      },
    };
  };

  const attempt = async (method: Method): Promise<AnyAuthMethod | undefined> => {
    if (method === 'publickey') {
      const [offer, ...others] = offers;
      offers = others;
      if (offer === undefined) return undefined;
      tried.push(offer.label);
      return offer.method(ask);
    }
    if (!mayAsk() || left[method] <= 0) return undefined;
    left = {...left, [method]: left[method] - 1};
    return method === 'password' ? password() : keyboard();
  };

  return {
    async next(allowed, proved) {
      settle(proved);
      if (allowed) wants = allowed;
      if (proved) {
        partial = true;
        left = {password: hop.prompts, 'keyboard-interactive': hop.prompts};
      }
      if (allowed === null) {
        // Without a key to begin with, asking for no proof at all tells what the server would take.
        if (hop.methods[0] === 'publickey' && offers.length > 0) return attempt('publickey');
        return {type: 'none', username: hop.user};
      }
      for (const method of hop.methods) {
        if (!allowed.includes(method)) continue;
        const next = await attempt(method);
        if (next) return next;
        if (gaveUp) return undefined;
      }
      return undefined;
    },
    note: sentence => notes.push(sentence),
    lastTried: () => tried.at(-1),
    failure: () => ({
      tried,
      notes,
      partial,
      gaveUp,
      answered: refused.size > 0,
      asks: secrets.canAsk && hop.prompts > 0,
      trusted: trusted(),
      ...(wants ? {wants} : {}),
    }),
  };
}
