/** Real certificates for tests, made by openssl in a folder of their own. */
import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

export type Pair = {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
};
export type Authority = Pair & {
  /** `names` as in a certificate: `DNS:localhost`, `IP:127.0.0.1`. `days` may be negative: it has expired. */
  issue(
    name: string,
    options?: {readonly names?: readonly string[]; readonly days?: number; readonly group?: string},
  ): Pair;
};

/** A certificate authority of that name; two of the same name have different keys. */
export function createAuthority(folder: string, name = 'kubernetes'): Authority {
  mkdirSync(folder, {recursive: true});
  const at = (file: string) => join(folder, file);
  const openssl = (...args: string[]) => execFileSync('openssl', args, {stdio: ['ignore', 'pipe', 'pipe']});
  const keyOf = (file: string) =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', at(file));
  const pair = (base: string): Pair => ({
    cert: readFileSync(at(`${base}.crt`), 'utf8'),
    key: readFileSync(at(`${base}.key`), 'utf8'),
    certFile: at(`${base}.crt`),
    keyFile: at(`${base}.key`),
  });
  keyOf('ca.key');
  openssl(
    ...[
      'req',
      '-x509',
      '-new',
      '-key',
      at('ca.key'),
      '-subj',
      `/CN=${name}`,
      '-days',
      '30',
      '-out',
      at('ca.crt'),
    ],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'],
  );
  let serial = 0;
  return {
    ...pair('ca'),
    issue(subject, {names = [], days = 30, group} = {}) {
      serial += 1;
      const base = `${serial}`;
      keyOf(`${base}.key`);
      const full = group === undefined ? `/CN=${subject}` : `/O=${group}/CN=${subject}`;
      openssl('req', '-new', '-key', at(`${base}.key`), '-subj', full, '-out', at(`${base}.csr`));
      const extensions = [
        'extendedKeyUsage=serverAuth,clientAuth',
        ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
      ];
      writeFileSync(at(`${base}.ext`), `${extensions.join('\n')}\n`);
      writeFileSync(at('index.txt'), '');
      writeFileSync(at('serial'), `0${serial}`.slice(-2));
      writeFileSync(
        at('ca.cnf'),
        [
          '[ca]\ndefault_ca=own\n[own]',
          `new_certs_dir=${folder}\ndatabase=${at('index.txt')}\nserial=${at('serial')}\ndefault_md=sha256`,
          'policy=any\nunique_subject=no\n[any]\norganizationName=optional\ncommonName=supplied\n',
        ].join('\n'),
      );
      // `openssl x509` knows no certificate that has ended already; `openssl ca` takes both ends of its time.
      const day = 24 * 3600_000;
      const time = (ms: number) =>
        new Date(ms)
          .toISOString()
          .replace(/[-:T]/g, '')
          .replace(/\.\d+Z/, 'Z');
      const begin = Date.now() - (days < 0 ? 60 : 1) * day;
      openssl(
        ...['ca', '-batch', '-config', at('ca.cnf'), '-cert', at('ca.crt'), '-keyfile', at('ca.key')],
        ...[
          '-startdate',
          time(begin),
          '-enddate',
          time(Date.now() + days * day),
          '-extfile',
          at(`${base}.ext`),
        ],
        ...['-in', at(`${base}.csr`), '-out', at(`${base}.crt`), '-notext'],
      );
      return pair(base);
    },
  };
}
