import type {Reader} from '../wire/source.ts';

/**
 * Reads a kubeconfig from a node, where the person names one (`--kubeconfig NODE:/PATH`). It is no fact: what it reads
 * is used to log in to the API, kept in memory only, and never part of a sweep, a recording or an answer.
 */
export const KUBECONFIG: Reader = {
  name: 'kubeconfig@1',
  fact: 'kubeconfig',
  scope: 'each-netns',
  command: 'cat',
  asks: {as: 'argument', line: /^\/[A-Za-z0-9._/-]+$/, usage: '/PATH'},
  why: 'The address of the Kubernetes API and a login for it, where only a node has them. Kept in memory only, never recorded.',
  withoutRoot: 'Mostly nothing: such files are readable by root only.',
  limit: 1_000_000,
  timeout: 10,
};
