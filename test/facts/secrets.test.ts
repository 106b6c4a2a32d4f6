import {describe, expect, test} from 'vitest';
import {redactText} from '../../source/facts/catalogue.ts';
import {PROCESSES, parseProcesses} from '../../source/facts/processes.ts';
import {MASK, maskArguments, maskSentence} from '../../source/facts/secrets.ts';

/** Every argument list, with the words that must not survive. */
const PLANTED: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['mysql', '-u', 'root', '-pHunter2!', '-h', 'db'], ['Hunter2']],
  [['/usr/bin/mysqldump', '-p', 'Hunter2!', 'shop'], ['Hunter2']],
  [['mysqld', '--password=Hunter2!'], ['Hunter2']],
  [['app', '--password', 'Hunter2!'], ['Hunter2']],
  [['app', '-password', 'Hunter2!', '--port', '80'], ['Hunter2']],
  [['app', '--db-passwd=Hunter2!'], ['Hunter2']],
  [['app', '--db.password', '-Hunter2!'], ['Hunter2']],
  [['app', '--token', 'abc'], ['abc']],
  [['app', '--bearer-token=abcd'], ['abcd']],
  [['kubeadm', 'join', '10.0.0.1:6443', '--token', 'abcdef.0123456789abcdef'], ['0123456789abcdef']],
  [['k3s', 'agent', '--server', 'https://10.0.0.1:6443', 'abcdef.0123456789abcdef'], ['0123456789abcdef']],
  [['app', '--api-key=K-1'], ['K-1']],
  [['app', '--apikey', 'K-1'], ['K-1']],
  [['app', '--aws-access-key-id=AKIAIOSFODNN7EXAMPLE'], ['AKIAIOSFODNN7EXAMPLE']],
  [['app', 'AKIAIOSFODNN7EXAMPLE'], ['AKIAIOSFODNN7EXAMPLE']],
  [
    ['app', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['bPxRfiCY', 'wJalr'],
  ],
  [
    ['env', 'DB_PASSWORD=Hunter2!', 'PGPASSWORD=pg pass', 'MYSQL_PWD=x7', 'sleep', '9'],
    ['Hunter2', 'pg pass', 'x7'],
  ],
  [
    ['env', 'STRIPE_KEY=k77', 'SECRET_KEY_BASE=bb88', 'GITHUB_TOKEN=gg99'],
    ['k77', 'bb88', 'gg99'],
  ],
  [['sh', '-c', 'mysql -pHunter2! -h db && sleep 5'], ['Hunter2']],
  [
    ['sh', '-c', "export API_TOKEN='two words'; run"],
    ['two', 'words'],
  ],
  [
    ['sh', '-c', 'run --password "two words" --port 80'],
    ['two words', 'two', 'words'],
  ],
  [['bash', '-lc', 'curl -u admin:Hunter2 http://x/'], ['Hunter2']],
  [['timeout', '5', 'mysql', '-pHunter2'], ['Hunter2']],
  [['curl', '-u', 'admin:Hunter2', 'http://x/'], ['Hunter2']],
  [['curl', '-uadmin:Hunter2', 'http://x/'], ['Hunter2']],
  [['curl', '--user=admin:Hunter2', 'http://x/'], ['Hunter2']],
  [['curl', '-H', 'Authorization: Bearer abc.def', 'http://x/'], ['abc.def']],
  [['curl', '-H', 'Authorization: Basic YWRtaW46cHc=', 'http://x/'], ['YWRtaW46']],
  [['curl', '-H', 'X-Api-Key: zz9', 'http://x/'], ['zz9']],
  [['curl', '-H', 'Cookie: sid=q8; theme=dark', 'http://x/'], ['q8']],
  [['curl', 'http://x/?token=t5t5&page=2'], ['t5t5']],
  [['curl', 'https://admin:Hunter2@x/path'], ['Hunter2']],
  [
    ['curl', 'https://admin:Hun@ter2@x/path'],
    ['Hun', 'ter2'],
  ],
  [['psql', 'postgres://app:Hunter2@db:5432/shop?sslmode=require'], ['Hunter2']],
  [['app', 'root:Hunter2@tcp(db:3306)/shop'], ['Hunter2']],
  [['app', 'Server=db;User Id=sa;Password=Hunter2;Database=shop'], ['Hunter2']],
  [['app', '--dsn=host=db user=app password=Hunter2 dbname=shop'], ['Hunter2']],
  [['git', 'clone', 'https://ghp_0123456789abcdefghijABCDEFGHIJ012345@github.com/a/b'], ['ghp_0123']],
  [['git', 'clone', 'https://oauth2:glpat-abcdefghij0123456789@gitlab.com/a/b'], ['glpat-abc']],
  [['redis-cli', '-a', 'Hunter2', 'ping'], ['Hunter2']],
  [['redis-server', '--requirepass', 'Hunter2'], ['Hunter2']],
  [['sshpass', '-pHunter2', 'ssh', 'a@b'], ['Hunter2']],
  [['sshpass', '-p', 'Hunter2', 'ssh', 'a@b'], ['Hunter2']],
  [['docker', 'login', '-u', 'me', '-p', 'Hunter2'], ['Hunter2']],
  [['openssl', 'enc', '-k', 'Hunter2'], ['Hunter2']],
  [['openssl', 'rsa', '-passin', 'pass:Hunter2'], ['Hunter2']],
  [['htpasswd', '-bc', '/etc/htpasswd', 'me', 'Hunter2'], ['Hunter2']],
  [['java', '-Dspring.datasource.password=Hunter2', '-jar', 'app.jar'], ['Hunter2']],
  [['java', '-Djavax.net.ssl.keyStorePassword=Hunter2', 'Main'], ['Hunter2']],
  [['helm', 'upgrade', '--set', 'db.password=Hunter2,replicas=3'], ['Hunter2']],
  [['app', '{"user":"a","password":"Hunter2"}'], ['Hunter2']],
  [['app', '--config={"auth":{"secret":"Hunter2"}}'], ['Hunter2']],
  [
    ['app', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nq8q8q8\n-----END RSA PRIVATE KEY-----'],
    ['MIIEow', 'q8q8q8'],
  ],
  [
    ['app', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'],
    ['eyJhbGci', 'c2lnbmF0'],
  ],
  [['app', 'Zx81kQpL0sVtY7mNc3Rb'], ['Zx81kQpL']],
  [['app', '9f8e7d6c5b4a39281706f5e4d3c2b1a0'], ['9f8e7d6c5b4a']],
  [['app', 'xoxb-123456789012-abcdefghijkl'], ['xoxb-1234']],
  [['nginx: worker password=Hunter2'], ['Hunter2']],
  [['vault', 'login', 'hvs.CAESIJabcdef0123'], ['CAESIJ']],
  [['etcdctl', '--user', 'root:Hunter2', 'get', '/'], ['Hunter2']],
  [['az', 'login', '--service-principal', '-u', 'x', '-p', 'Hunter2'], ['Hunter2']],
  [['app', '--connection-string', 'Endpoint=sb://x/;SharedAccessKey=q1w2'], ['q1w2']],
  [['wpa', '--psk=Hunter2'], ['Hunter2']],
  [['ldapsearch', '-D', 'cn=a', '-w', 'Hunter2'], ['Hunter2']],
  [
    ['app', '--pw=Hunter2', '--otp', '123456'],
    ['Hunter2', '123456'],
  ],
  [['app', '--token', '--Hunter2'], ['Hunter2']],
  [['plink', '-pw', 'Hunter2', 'u@h'], ['Hunter2']],
  [['app', '/password:Hunter2'], ['Hunter2']],
  [['aws', 'configure', 'set', 'aws_secret_access_key', 'Hunter2'], ['Hunter2']],
  [['redis-cli', 'AUTH', 'Hunter2'], ['Hunter2']],
  [['curl', '--data', '{"token": "Hunter2", "a": 1}'], ['Hunter2']],
  [['python', '-c', 'api_key = "Hunter2"; run(api_key)'], ['Hunter2']],
  [['python', '-c', "d = {'password': 'Hunter2'}"], ['Hunter2']],
  [['python', '-c', 'connect(password="Hunter2", user="x")'], ['Hunter2']],
  [['sh', '-c', 'echo Hunter2 | docker login --password-stdin'], ['Hunter2']],
  [['sqlplus', 'scott/Hunter2@db'], ['Hunter2']],
  [['sh', '-c', 'sqlplus scott/Hunter2@db'], ['Hunter2']],
  [['rabbitmqctl', 'add_user', 'bob', 'Hunter2'], ['Hunter2']],
  [['wpa_passphrase', 'ssid', 'Hunter2'], ['Hunter2']],
  [['lftp', '-u', 'bob,Hunter2', 'h'], ['Hunter2']],
  [['consul', '-encrypt=Hunter2'], ['Hunter2']],
  [['kubectl', 'create', 'secret', 'generic', 'x', '--from-literal=k=Hunter2'], ['Hunter2']],
  [['curl', 'https://x/?access_token=Hunter2', 'ftp://bob:Hunter2@h'], ['Hunter2']],
  [['mount', '-o', 'user=a,pass=Hunter2', '//h/s'], ['Hunter2']],
  [['helm', '--set-string', 'auth.rootPassword=Hunter2'], ['Hunter2']],
  [['npm', '--//registry/:_authToken=Hunter2'], ['Hunter2']],
  [['curl', '-su', 'admin:Hunter2', 'http://x/'], ['Hunter2']],
  [['curl', '-fsSLuadmin:Hunter2', 'http://x/'], ['Hunter2']],
  [['sh', '-c', 'curl -sku admin:Hunter2 http://x/'], ['Hunter2']],
  [['ldapsearch', '-xLLLw', 'Hunter2'], ['Hunter2']],
  [['zip', '-rP', 'Hunter2', 'x.zip', 'x'], ['Hunter2']],
  [['vault', 'login', 'Hunter2'], ['Hunter2']],
  [['vault', 'login', '-no-print', 'Hunter2'], ['Hunter2']],
  [['sh', '-c', 'vault login Hunter2 && sleep 5'], ['Hunter2']],
  [['mosquitto_pub', '-u', 'bob', '-P', 'Hunter2', '-t', 'x'], ['Hunter2']],
  [['mosquitto_pub', '-u', 'bob', '-PHunter2', '-t', 'x'], ['Hunter2']],
  [['mosquitto_sub', '-P', 'Hunter2'], ['Hunter2']],
  [['mosquitto_sub', '-PHunter2'], ['Hunter2']],
  [['ssh-keygen', '-t', 'ed25519', '-N', 'Hunter2', '-f', 'key'], ['Hunter2']],
  [['ssh-keygen', '-p', '-P', 'Hunter2', '-NHunter3', '-f', 'key'], ['Hunter']],
  [
    ['mc', 'alias', 'set', 'x', 'https://s3.example:9000', 'minio', 'Hunter2'],
    ['minio', 'Hunter2'],
  ],
  [['smbclient', '//h/s', 'Hunter2'], ['Hunter2']],
  [['smbclient', '-U', 'bob', '//h/s', '-p', '445', 'Hunter2'], ['Hunter2']],
  [
    ['app', '--password=two words'],
    ['two', 'words'],
  ],
  [
    ['helm', 'upgrade', '--set=db.password=two words'],
    ['two', 'words'],
  ],
  [['clickhouse-client', '--password', '--', 'Hunter2'], ['Hunter2']],
  [['hue', '--ldap_password_cmd=echo Hunter2'], ['Hunter2']],
];

/** What must come through untouched: the recording would be useless without it. */
const PLAIN: readonly (readonly string[])[] = [
  ['cilium-agent', '--config-dir=/tmp/cilium/config-map'],
  ['cilium-health-responder', '--listen', '4240', '--pidfile', '/var/run/cilium/state/health-endpoint.pid'],
  ['/usr/bin/kubelet', '--config=/etc/kubelet.yaml', '--hostname-override=atlas', '--node-ip=192.168.77.11'],
  [
    'kube-controller-manager',
    '--service-account-private-key-file=/etc/kubernetes/pki/sa.key',
    '--use-service-account-credentials=true',
    '--root-ca-file=/etc/kubernetes/pki/ca.crt',
  ],
  [
    'kube-apiserver',
    '--authorization-mode=Node,RBAC',
    '--enable-bootstrap-token-auth=true',
    '--tls-private-key-file=/etc/kubernetes/pki/apiserver.key',
    '--etcd-servers=https://127.0.0.1:2379',
  ],
  [
    '/usr/bin/etcd',
    '--listen-peer-urls',
    'http://127.0.0.1:2380',
    '--initial-cluster=a=https://10.0.0.1:2380',
  ],
  [
    '/usr/bin/containerd-shim-runc-v2',
    '-namespace',
    'k8s.io',
    '-id',
    'f7d7682333166dac4968eb0ebd2303c2e891c12bdd19ec8dbdaa6f4f7da634c4',
    '-address',
    '/run/containerd/containerd.sock',
  ],
  ['sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups'],
  ['nginx: master process nginx -g daemon off;'],
  ['httpd', '-f', '-p', '8080'],
  ['nc', '-l', '-p', '9000'],
  ['ssh', '-p', '2222', 'git@github.com'],
  [
    'docker',
    'run',
    '-p',
    '8080:80',
    'nginx@sha256:f7d7682333166dac4968eb0ebd2303c2e891c12bdd19ec8dbdaa6f4f7da634c4',
  ],
  ['sleep', 'infinity'],
  ['curl', '-sLo', '/tmp/u', 'http://x/'],
  ['vault', 'server', '-config=/etc/vault.hcl'],
  ['ssh-keygen', '-t', 'ed25519', '-N', '', '-f', 'key'],
  ['mc', 'alias', 'set', 'x', 'https://s3.example:9000'],
  ['smbclient', '//h/s', '-N', '-c', 'ls'],
  ['curl', 'http://auth:8080/healthz', 'https://token-server:8443/'],
  ['docker', 'run', '-v', '/etc/secret:/etc/secret', 'nginx'],
  ['kube-proxy', '--config=/var/lib/kube-proxy/config.conf', '--hostname-override=$(NODE_NAME)'],
  ['/coredns', '-conf', '/etc/coredns/Corefile'],
  ['calico-node', '-felix'],
  ['sh', '-c', 'while true; do nc -l -p 8080; sleep 1; done'],
  ['sh', '-c', 'exec httpd -f -p 8080 -h /www'],
  ['containerd', '-c', '/etc/containerd/config.toml'],
  ['kubectl', 'get', 'secret', 'web', '-n', 'shop'],
  ['coredns', '-conf', '/etc/coredns/Corefile'],
  ['tail', '/var/lib/kubelet/pods/d3e3e1a9-c8a0-4f23-b783-2889138ff722/volumes/x'],
  [
    'java',
    '-Xmx512m',
    '-cp',
    '/usr/share/java/zookeeper.jar',
    'org.apache.zookeeper.server.quorum.QuorumPeerMain',
  ],
  ['socat', 'TCP-LISTEN:5000,fork,reuseaddr', 'TCP:10.88.2.7:8080'],
  ['[kworker/0:0H-events_highpri]'],
  ['x', 'fe80::3c6a:bdff:feba:2d94', '2026-11-23T21:00:00.000Z'],
];

describe('command lines', () => {
  test.each(PLANTED.map(([args, secrets]) => [args.join(' ').slice(0, 70), args, secrets] as const))(
    'planted: %s',
    (_, args, secrets) => {
      const masked = maskArguments(args).join('\0');
      for (const secret of secrets) expect(masked).not.toContain(secret);
      expect(masked).toContain(MASK);
      expect(masked).toContain(args[0]!.split(/[\s:]/)[0]);
    },
  );

  test.each(PLAIN.map(args => [args.join(' ').slice(0, 70), args] as const))('untouched: %s', (_, args) => {
    expect(maskArguments(args)).toEqual(args);
  });

  test('in a sentence, a fingerprint stays and a password goes', () => {
    const key = 'ED25519 SHA256:0FfPRKvAYfsF6/rpYeEz42sTUAn0W2axjBI/c6VDhuI';
    const changed = `The host key of a has changed: it is now ${key}, while known_hosts:2 has another.`;
    expect(maskSentence(changed)).toBe(changed);
    expect(maskSentence('login as bob failed: --password=hunter2 is wrong')).not.toContain('hunter2');
  });

  test('masking twice changes nothing more', () => {
    for (const [args] of PLANTED) {
      const once = maskArguments(args);
      expect(maskArguments(once)).toEqual(once);
    }
  });
});

test('a whole reply: none of the planted secrets is left, and it parses to the same processes', () => {
  const lines: string[] = ['root:0'];
  for (const index of PLANTED.keys()) {
    const pid = index + 2;
    lines.push(`${pid}/status:Uid:\t0`);
    lines.push(`${pid}/stat:${pid} (app) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${1000 + pid}`);
  }
  for (const [index, [args]] of PLANTED.entries()) {
    for (const line of `${args.join('\0')}\0`.split('\n')) lines.push(`${index + 2}/cmdline:${line}`);
  }
  const out = new Uint8Array(Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
  const redacted = PROCESSES.redact(out);
  const text = Buffer.from(redacted).toString('latin1');
  for (const [, secrets] of PLANTED) {
    for (const secret of secrets.filter(word => word.length > 4)) expect(text).not.toContain(secret);
  }
  const [before, after] = [parseProcesses(out), parseProcesses(redacted)];
  expect(after.problems).toEqual([]);
  const identity = ({pid, ppid, user, name, state, start}: (typeof before.rows)[number]) => [
    pid,
    ppid,
    user,
    name,
    state,
    start,
  ];
  expect(after.rows.map(identity)).toEqual(before.rows.map(identity));
  expect(after.rows.map(row => row.command.split(' ')[0])).toEqual(
    before.rows.map(row => row.command.split(' ')[0]),
  );
});

test('bytes that are no text survive, and lines that nobody knows do not', () => {
  const odd = Buffer.concat([
    Buffer.from('7/cmdline:app\0'),
    Buffer.from([0xff, 0xfe, 0x80]),
    Buffer.from('\0\n'),
  ]);
  expect(Buffer.from(PROCESSES.redact(new Uint8Array(odd)))).toEqual(odd);
  const leak = PROCESSES.redact(new TextEncoder().encode('7/environ:DB_PASSWORD=Hunter2\n'));
  expect(Buffer.from(leak).toString()).not.toContain('Hunter2');
});

test('a sentence that quotes a secret', () => {
  expect(redactText('ssh: proxy said Authorization: Bearer abc.def')).toBe(
    'ssh: proxy said Authorization: ***',
  );
  expect(redactText('cannot dial https://me:Hunter2@bastion:8443, giving up')).not.toContain('Hunter2');
  expect(redactText('run: mysql -pHunter2 --password "two words" failed')).not.toMatch(/Hunter2|two|words/);
  const plain = 'ip is not installed on node 10.0.0.1: install iproute2.';
  expect(redactText(plain)).toBe(plain);
});

test('long hostile arguments take no long time', () => {
  const shapes = [
    'a',
    '=',
    ':',
    '@',
    'a:',
    'a=',
    '"',
    "'",
    '\\',
    'a:a@',
    '-',
    '/',
    'a ',
    'password=',
    '-----BEGIN ',
    'eyJa.',
    ' \n',
  ];
  for (const shape of shapes) {
    const long = shape.repeat(Math.floor(60_000 / shape.length));
    expect(maskArguments(['app', long, `x ${long}`]).length).toBe(3);
  }
});
