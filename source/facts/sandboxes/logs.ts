import type {Parsed, Span} from '../evidence.ts';
import {linesOf} from '../lines.ts';
import {optional} from '../links.ts';

/**
 * What the kubelet's names of log files tell of a pod or container; readable by everyone. `container` and `id` are of
 * one container, `uid` is the pod's.
 */
export type PodLog = Span & {
  readonly namespace: string;
  readonly pod: string;
  readonly uid?: string;
  readonly container?: string;
  readonly id?: string;
};

/** Names hold no underscore, so it divides them (kubelet: `pkg/kubelet/kuberuntime/helpers.go`, `legacy.go`). */
const POD = /^\/var\/log\/pods\/([^_/]+)_([^_/]+)_([^_/]+)$/;
const CONTAINER = /^\/var\/log\/containers\/([^_/]+)_([^_/]+)_([^/]+)-([0-9a-f]{64})\.log$/;

/** One whose names cannot be told apart is passed over: names with an underscore, which Kubernetes does not have. */
export function isLogLine(text: string): boolean {
  return /^\/var\/log\/(pods|containers)\//.test(text);
}

/**
 * Samples: the directory of a pod's logs, and the link to a container's.
 * ```
 * /var/log/pods/shop_web-7c5ddbdf54-8kqzr_c14397e0-4d84-4c28-841a-5bdf449b0819
 * /var/log/containers/web-7c5ddbdf54-8kqzr_shop_log-shipper-00d8bf686474….log
 * ```
 * Other lines are passed over: they are not its own.
 */
export function parsePodLogs(out: Uint8Array): Parsed<PodLog> {
  const rows: PodLog[] = [];
  for (const {from, to, text} of linesOf(out)) {
    const pod = POD.exec(text);
    if (pod) rows.push({from, to, namespace: pod[1]!, pod: pod[2]!, uid: pod[3]!});
    const one = pod ? undefined : CONTAINER.exec(text);
    if (one)
      rows.push({
        from,
        to,
        pod: one[1]!,
        namespace: one[2]!,
        ...optional('container', one[3]),
        ...optional('id', one[4]),
      });
  }
  return {rows, problems: []};
}
