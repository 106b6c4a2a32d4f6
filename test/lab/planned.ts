/** Which connections a topology's pods and outside programs are told to hold. */
import type {LabStatus} from '../../demo/lab/status.ts';
import type {Topology} from '../../demo/lab/topology.ts';

const CALL = /\b(call|pour)=(tcp|udp):(\[[^\]]+\]|\{[^}]+\}|[\d.]+):(\d+)(?::(\d+))?/g;

/** Nothing listens there: payments is refused. */
const REFUSED = ':6379';

/** How many, by `PROTOCOL POD-OR-PROGRAM CONTAINER ADDRESS:PORT`. */
export const plannedCalls = (topology: Topology, status: LabStatus): Map<string, number> => {
  const addressOf = (word: string) => {
    const [, kind, six, name] = /^\{(pod|svc)(6?):(.*)\}$/.exec(word) ?? [];
    if (!kind) return word;
    const service = topology.services.find(each => `${each.namespace}/${each.name}` === name);
    const pod = status.pods.find(each => `${each.namespace}/${each.name}` === name);
    if (six) return `[${kind === 'svc' ? service?.clusterIp6 : pod?.ip6}]`;
    return kind === 'svc' ? service?.clusterIp : pod?.ip;
  };
  const callers = [
    ...topology.pods.flatMap(pod =>
      pod.containers.map(({name, run}) => ({
        who: `${pod.namespace}/${pod.name} ${name}`,
        words: 'roles' in run ? run.roles : run.command,
      })),
    ),
    ...topology.outside.callers.map(({name, roles}) => ({who: `${name} ${name}`, words: roles})),
  ];
  return new Map(
    callers.flatMap(({who, words}) =>
      [...words.join(' ').matchAll(CALL)].flatMap(([, , protocol, host, port, count]) =>
        `:${port}` === REFUSED
          ? []
          : [[`${protocol} ${who} ${addressOf(host!)}:${port}`, Number(count ?? 1)] as const],
      ),
    ),
  );
};
