import {describe, expect, test} from 'vitest';
import {PORTS} from '../../source/cni/ports.ts';
import {isAgent, purposeOf} from '../../source/cni/purposes.ts';
import {graphOf} from '../model/world.ts';

test('every fact has a source, a key of its own, and programs as the kernel names them', () => {
  for (const fact of PORTS) {
    expect(fact.source).toMatch(/^https:\/\//);
    expect(fact.port).toBeGreaterThan(0);
    expect(fact.key).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(fact.purpose).not.toMatch(/[.]$/);
    for (const program of fact.programs) expect(program.length).toBeLessThanOrEqual(15);
    expect(fact.programs.length > 0).toBe(fact.devices === undefined);
  }
  const keys = PORTS.map(({key}) => key);
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
});

describe('what a port is for', () => {
  const key = (seen: Parameters<typeof purposeOf>[0]) => purposeOf(seen)?.fact.key;
  const tcp = {protocol: 'tcp', port: 4240} as const;

  test('a number alone proves nothing', () => {
    expect(key(tcp)).toBeUndefined();
    expect(key({...tcp, program: 'meshd'})).toBeUndefined();
    expect(key({...tcp, kernel: true, caller: 'cilium-agent'})).toBeUndefined();
  });

  test('it counts with the program that listens, as any tool names it', () => {
    expect(key({...tcp, program: 'cilium-agent'})).toBe('cilium-health');
    expect(key({...tcp, program: 'cilium-health-responder'})).toBe('cilium-health-endpoint');
    expect(key({...tcp, program: 'cilium-health-r'})).toBe('cilium-health-endpoint');
    expect(key({...tcp, protocol: 'udp', program: 'cilium-agent'})).toBeUndefined();
  });

  test('or with the only program that calls it, where who listens was not seen', () => {
    expect(key({...tcp, caller: 'cilium-agent', at: 'endpoint'})).toBe('cilium-health-endpoint');
    expect(key({...tcp, caller: 'cilium-agent', at: 'node'})).toBe('cilium-health');
    expect(key({...tcp, caller: 'curl'})).toBeUndefined();
    expect(key({protocol: 'tcp', port: 4244, caller: 'cilium-agent'})).toBeUndefined();
  });

  test('a tunnel’s port is its device’s, which tells two plugins on one number apart', () => {
    const device = (name: string, kind: string | undefined, port?: number) =>
      graphOf({
        a: {
          host: '1',
          netns: {
            1: {
              links: [
                {
                  ifindex: 2,
                  name,
                  ...(kind === undefined ? {} : {kind}),
                  ...(port === undefined ? {} : {vxlan: {id: 1, port, learning: false, external: false}}),
                },
              ],
            },
          },
        },
      }).nodes[0]!.host!.interfaces;
    const udp = {protocol: 'udp', port: 8472, kernel: true} as const;
    expect(key({...udp, interfaces: device('flannel.1', 'vxlan', 8472)})).toBe('flannel-vxlan');
    expect(key({...udp, interfaces: device('cilium_vxlan', undefined)})).toBe('cilium-vxlan');
    expect(key({...udp, interfaces: device('flannel.1', 'vxlan', 4789)})).toBeUndefined();
    expect(key({...udp, interfaces: device('flannel.1', 'dummy')})).toBeUndefined();
    expect(key({...udp, interfaces: device('flannel.1', 'vxlan', 8472), program: 'nc'})).toBeUndefined();
  });

  test('an agent is known by any name that tools give it', () => {
    expect([
      isAgent('cilium-operator-generic'),
      isAgent('kube-controller-manager'),
      isAgent('nginx'),
    ]).toEqual([true, true, false]);
  });
});
