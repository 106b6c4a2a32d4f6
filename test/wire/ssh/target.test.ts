import {expect, test} from 'vitest';
import {parseJumps, parseTarget} from '../../../source/wire/ssh/target.ts';

test.each([
  ['node-1', {host: 'node-1'}],
  ['node-1:2222', {host: 'node-1', port: 2222}],
  ['root@10.0.0.1', {host: '10.0.0.1', user: 'root'}],
  ['root@10.0.0.1:22', {host: '10.0.0.1', user: 'root', port: 22}],
  ['me@corp@bastion', {host: 'bastion', user: 'me@corp'}],
  ['[2001:db8::1]:2222', {host: '2001:db8::1', port: 2222}],
  ['[2001:db8::1]', {host: '2001:db8::1'}],
  ['root@[fe80::1%eth0]:22', {host: 'fe80::1%eth0', user: 'root', port: 22}],
  ['root@2001:db8::1', {host: '2001:db8::1', user: 'root'}],
  ['::1', {host: '::1'}],
  ['ssh://root@10.0.0.1:2222/', {host: '10.0.0.1', user: 'root', port: 2222}],
  [' node-1 ', {host: 'node-1'}],
])('reads %j', (text, target) => {
  expect(parseTarget(text)).toEqual(target);
});

test.each([
  ['', 'it is empty'],
  ['@host', 'no user stands before the @'],
  ['root@', 'it names no host'],
  ['host:', '"" is no port'],
  ['host:0', '"0" is no port'],
  ['host:65536', '"65536" is no port'],
  ['host:ssh', '"ssh" is no port'],
  ['a:b:c', 'several colons'],
  ['[::1', 'brackets do not match'],
  ['[node-1]:22', '"node-1" is no IPv6 address'],
  ['-oProxyCommand=x', 'that is no host name'],
  ['-l@host', 'that is no user name'],
  ['host;id', 'that is no host name'],
  ['$(id)@host', 'that is no user name'],
  ['ho st', 'that is no host name'],
])('refuses %j', (text, why) => {
  expect(() => parseTarget(text)).toThrow(why);
  expect(() => parseTarget(text)).toThrow(/write it as \[USER@\]HOST\[:PORT\]/);
});

test('reads jump hosts', () => {
  expect(parseJumps('a,me@b:22')).toEqual([{host: 'a'}, {host: 'b', user: 'me', port: 22}]);
  expect(parseJumps('none')).toEqual([]);
});
