import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A certificate authority for loopback servers, so that tests verify TLS for real and can rotate what they trust. */
export class CertificateAuthority {
  private readonly key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  private readonly subject = `test CA ${randomBytes(4).toString('hex')}`;
  readonly pem = this.issue(this.subject, this.key, []);

  /** A server certificate for 127.0.0.1, ::1 and localhost. */
  server(): { cert: string; key: string } {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    return { cert: this.issue('localhost', key, [serverNames]), key: pemKey(key) };
  }

  /** A client certificate for `user`. */
  client(user: string): { cert: string; key: string } {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    return { cert: this.issue(user, key, []), key: pemKey(key) };
  }

  private issue(commonName: string, key: KeyObject, extra: Buffer[]): string {
    const isCa = commonName === this.subject;
    const extensions = [
      extension('551d13', sequence(...(isCa ? [der(0x01, Buffer.from([0xff]))] : []))), // basicConstraints
      ...extra,
    ];
    const body = sequence(
      der(0xa0, integer(Buffer.from([2]))), // version 3
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ecdsaWithSha256,
      name(this.subject),
      sequence(time(-1), time(3650)),
      name(commonName),
      createPublicKey(key).export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', body, this.key);
    const certificate = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
    const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n');
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }
}

/** ASN.1 DER: tag, length, contents. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const integer = (bytes: Buffer) => der(0x02, bytes);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value));
const name = (commonName: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))));
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const serverNames = extension(
  '551d11', // subjectAltName
  sequence(
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.from([127, 0, 0, 1])),
    der(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])),
  ),
);
const pemKey = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;

function time(days: number): Buffer {
  const stamp = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return der(0x18, Buffer.from(`${stamp}Z`));
}
