import type {Span} from './evidence.ts';

/** One way into a network namespace: a process that is in it, or a bind mount that keeps it alive. */
export type NamespaceMember = Span & {
  /** Inode of the nsfs file, decimal: the namespace's name everywhere in hoptop. */
  readonly netns: string;
  readonly pid?: number;
  /** e.g. /run/netns/cni-1234. */
  readonly path?: string;
};
