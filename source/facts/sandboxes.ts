import type {Span} from './evidence.ts';

/**
 * What a container runtime leaves on disk about one pod sandbox or container, read without crictl and without the
 * Kubernetes API (containerd: the bundle's `config.json`, OCI annotations `io.kubernetes.cri.*`).
 */
export type Sandbox = Span & {
  readonly id: string;
  readonly type: 'sandbox' | 'container';
  /** The pod sandbox this belongs to; its own id when it is the sandbox. */
  readonly sandbox: string;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  /** Container's name; absent for the sandbox. */
  readonly container?: string;
  readonly image?: string;
  /** Bind mount of its network namespace; absent for a pod on the host's network. */
  readonly netnsPath?: string;
  /** First process of the container (`init.pid`). */
  readonly pid?: number;
};

/** Which container a process is in, from its cgroup path. */
export type Membership = Span & {
  readonly pid: number;
  /** 64 hex digits. */
  readonly container: string;
  /** Pod uid as the cgroup path has it, dashes restored; absent when the path names none. */
  readonly uid?: string;
};
