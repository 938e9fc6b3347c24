import { type KeyObject, X509Certificate, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

// Node reads X.509 but cannot issue it, and a test that needs `openssl` on the PATH fails on half the laptops.
// So this writes the little DER that a serving certificate needs.

const OID = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  basicConstraints: [0x55, 0x1d, 0x13],
  keyUsage: [0x55, 0x1d, 0x0f],
  subjectAlternativeName: [0x55, 0x1d, 0x11],
};
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
};

function der(tag: number, ...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...parts: Buffer[]) => der(TAG.sequence, ...parts);
const name = (commonName: string) =>
  sequence(der(TAG.set, sequence(der(TAG.oid, OID.commonName), der(TAG.utf8, Buffer.from(commonName)))));
const time = (date: Date) => der(TAG.time, Buffer.from(`${date.toISOString().replace(/[-:T]|\..*/g, '')}Z`));
const extension = (oid: number[], value: Buffer) =>
  sequence(der(TAG.oid, oid), der(TAG.boolean, [0xff]), der(TAG.octets, value));
function alternative(host: string): Buffer {
  if (isIP(host) === 0) return der(0x82, Buffer.from(host));
  return der(0x87, isIP(host) === 4 ? host.split('.').map(Number) : bytesOfIpv6(host));
}

function bytesOfIpv6(host: string): number[] {
  const [left = [], right = []] = host.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right]
    .map((group) => parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff]);
}

export interface KeyAndCertificate {
  key: string;
  certificate: string;
}

/** A certificate authority of a test: its own key, gone with the process. */
export class CertificateAuthority {
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  /** PEM, for clients to trust. */
  readonly certificate: string;

  /** @param commonName must differ between authorities of one bundle: verifiers look the issuer up by it */
  constructor(private readonly commonName: string) {
    this.certificate = this.issue(commonName, this.keys.publicKey, [
      extension(OID.basicConstraints, sequence(der(TAG.boolean, [0xff]))),
      extension(OID.keyUsage, der(TAG.bits, [1, 0x06])),
    ]);
  }

  serving(hosts: string[]): KeyAndCertificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = this.issue('kube-apiserver', publicKey, [
      extension(OID.keyUsage, der(TAG.bits, [7, 0x80])),
      extension(OID.subjectAlternativeName, sequence(...hosts.map(alternative))),
    ]);
    return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate };
  }

  private issue(subject: string, publicKey: KeyObject, extensions: Buffer[]): string {
    const algorithm = sequence(der(TAG.oid, OID.ecdsaWithSha256));
    const day = 86_400_000;
    const signed = sequence(
      der(0xa0, der(TAG.integer, [2])),
      der(TAG.integer, [0x40], randomBytes(15)),
      algorithm,
      name(this.commonName),
      sequence(time(new Date(Date.now() - day)), time(new Date(Date.now() + 30 * day))),
      name(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', signed, this.keys.privateKey);
    return new X509Certificate(sequence(signed, algorithm, der(TAG.bits, [0], signature))).toString();
  }
}
