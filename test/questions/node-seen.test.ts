import {expect, test} from 'vitest';
import {ask} from '../../source/questions/catalogue.ts';
import type {OverviewAnswer} from '../../source/questions/overview.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {graphOf, type NodeSpec} from '../model/world.ts';

const node = (more: Partial<NodeSpec>): NodeSpec => ({host: '1', netns: {1: {}}, ...more});

const graph = graphOf({
  control: node({
    hostname: 'control',
    processes: {1: ['1', 'systemd', 0], 900: ['1', 'kube-apiserver']},
    sandboxes: [
      {
        id: 'a',
        pod: 'kube-apiserver-control',
        type: 'container',
        image: 'registry.k8s.io/kube-apiserver:v1.36.1',
      },
      {id: 'b', pod: 'kube-proxy-x7', type: 'container', image: 'registry.k8s.io/kube-proxy:v1.36.0'},
    ],
  }),
  worker: node({
    hostname: 'worker',
    // What only looks like one: another name, an image of somebody's own, a digest without a version.
    processes: {1: ['1', 'systemd', 0], 7: ['1', 'kube-apiserver-exporter']},
    sandboxes: [
      {id: 'c', pod: 'web', type: 'container', image: 'example.org/not-kube-proxy:v1.2.3'},
      {id: 'd', pod: 'kube-proxy-k2', type: 'container', image: 'registry.k8s.io/kube-proxy@sha256:0011'},
    ],
  }),
});
const overview = ask(graph, {name: 'overview', words: []}) as OverviewAnswer;

test('without an API, a control plane and its version are inferred from what runs there, and nothing of others', () => {
  const [control, worker] = overview.nodes;
  expect(control!.seen).toEqual({
    roles: 'control-plane',
    version: 'v1.36.0',
    why: "process 900 is kube-apiserver, which runs on control planes; a container's image is kube-proxy:v1.36.0",
  });
  expect(control!.evidence.map(({fact}) => fact)).toEqual(['identity', 'processes', 'sandboxes']);
  expect(worker!.seen).toBeUndefined();
  expect([control!.roles, control!.version]).toEqual([undefined, undefined]);
});

test('the overview marks both as inferred', () => {
  const text = viewText(toView(overview));
  expect(text).toMatch(/^NAME +STATE +ROLES +VERSION /m);
  expect(text).toMatch(/^control +ready +~control-plane +~v1\.36\.0 /m);
});
