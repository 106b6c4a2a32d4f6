/**
 * OpenSSH user certificates (openssh PROTOCOL.certkeys) on top of a library that does not know them: it is given the
 * certificate as if it were a public key, and its signature is renamed on its way out.
 */
import {keyType} from './known-hosts.ts';
import type {Client, ParsedKey} from './library.ts';

export type Certificate = {
  /** Name inside the blob, e.g. `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string;
  readonly blob: Buffer;
  /** The certified public key in SSH's wire format. */
  readonly publicKey: Buffer;
  /** Seconds since 1970; Infinity for ever. */
  readonly until: number;
  readonly principals: readonly string[];
};

const SUFFIX = '-cert-v01@openssh.com';
/** Fields of the public key inside a certificate. */
const FIELDS: Readonly<Record<string, number>> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
};

/** The certificate of a line `TYPE BASE64 COMMENT`; undefined for anything else. Never throws. */
export function parseCertificate(text: string): Certificate | undefined {
  const [named, base64] = text.trim().split(/\s+/);
  const blob = Buffer.from(base64 ?? '', 'base64');
  const type = keyType(blob);
  if (type !== named || !type.endsWith(SUFFIX)) return undefined;
  const plain = type.slice(0, -SUFFIX.length);
  const count = FIELDS[plain];
  if (count === undefined) return undefined;
  let at = 0;
  const string = () => {
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) throw new RangeError('cut');
    const value = blob.subarray(at + 4, end);
    at = end;
    return value;
  };
  try {
    string();
    string();
    const fields = Array.from({length: count}, string);
    at += 8;
    if (blob.readUInt32BE(at) !== 1) return undefined;
    at += 4;
    string();
    const list = string();
    const principals: string[] = [];
    for (let p = 0; p + 4 <= list.length; ) {
      const length = list.readUInt32BE(p);
      principals.push(list.toString('utf8', p + 4, p + 4 + length));
      p += 4 + length;
    }
    const until = blob.readBigUInt64BE(at + 8);
    return {
      type,
      blob,
      publicKey: wire([Buffer.from(plain), ...fields]),
      until: until === 0xffff_ffff_ffff_ffffn ? Number.POSITIVE_INFINITY : Number(until),
      principals,
    };
  } catch {
    return undefined;
  }
}

/** `key` as the library shall show it: with the certificate for a public half. It signs as before. */
export function certified(key: ParsedKey, {type, blob}: Certificate): ParsedKey {
  // An RSA key signs with SHA-2 only (RFC 8332), whatever the name inside the certificate says.
  const rsa = type.startsWith('ssh-rsa-');
  const sign = (data: Buffer, hash?: string) => {
    const signature = key.sign(data, rsa ? 'sha512' : hash) as Buffer | Error;
    return type.startsWith('ecdsa-') && !(signature instanceof Error) ? fromDer(signature) : signature;
  };
  return Object.create(key, {
    type: {value: rsa ? `rsa-sha2-512${SUFFIX}` : type},
    getPublicSSH: {value: () => blob},
    sign: {value: sign},
  }) as ParsedKey;
}

/** RFC 5656 section 3.1.2: r and s as two numbers, where OpenSSL has a DER sequence of the same two. */
export function fromDer(signature: Buffer): Buffer {
  const start = signature[1]! & 0x80 ? 2 + (signature[1]! & 0x7f) : 2;
  const rLength = signature[start + 1]!;
  const r = signature.subarray(start + 2, start + 2 + rLength);
  const sAt = start + 2 + rLength;
  return wire([r, signature.subarray(sAt + 2, sAt + 2 + signature[sAt + 1]!)]);
}

type Protocol = {
  authPK(user: string, key: ParsedKey, algorithm: unknown, sign?: unknown): void;
  _packetRW: {write: {alloc(size: number): Buffer; finalize(packet: Buffer, force?: boolean): Buffer}};
};

/**
 * The library writes the certificate's type also into the signature, where the key's own belongs (sshd refuses it
 * otherwise). There is no hook for it: the packet is rewritten before it is sent. Reaches into ssh2 1.17; where that
 * looks different, certificates are refused by the server and nothing else changes.
 */
export function renameSignatures(client: Client): void {
  const protocol = (client as unknown as {_protocol?: Protocol})._protocol;
  if (typeof protocol?.authPK !== 'function' || typeof protocol._packetRW?.write?.finalize !== 'function')
    return;
  const original = protocol.authPK;
  protocol.authPK = function (user, key, algorithm, sign) {
    const type = typeof key?.type === 'string' ? key.type : '';
    if (!type.endsWith(SUFFIX) || typeof sign !== 'function') {
      original.call(this, user, key, algorithm, sign);
      return;
    }
    const plain = type.slice(0, -SUFFIX.length);
    const signing = (data: Buffer, done: (signature: Buffer) => void) =>
      sign(data, (signature: Buffer) => {
        const {write} = protocol._packetRW;
        const {finalize} = write;
        write.finalize = (packet, force) => {
          write.finalize = finalize;
          return finalize.call(write, renamed(packet, write, type, plain), force);
        };
        try {
          done(signature);
        } finally {
          write.finalize = finalize;
        }
      });
    original.call(this, user, key, algorithm, signing);
  };
}

/** The signature is the last string of the packet: (name, bytes), RFC 4253 section 6.6. */
function renamed(packet: Buffer, write: Protocol['_packetRW']['write'], type: string, plain: string): Buffer {
  const payload = packet.subarray(5, 4 + packet.readUInt32BE(0) - packet[4]!);
  const name = payload.lastIndexOf(wire([Buffer.from(type)]));
  if (name < 4) return packet;
  const signature = payload.subarray(name + 4 + type.length + 4);
  const blob = wire([wire([Buffer.from(plain), signature])]);
  const head = payload.subarray(0, name - 4);
  const short = write.alloc(head.length + blob.length);
  head.copy(short, 5);
  blob.copy(short, 5 + head.length);
  return short;
}

/** Strings as SSH writes them (RFC 4251 section 5). */
function wire(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(
    parts.flatMap(part => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}
