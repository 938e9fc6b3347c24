const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * The certificates of a bundle that can be read; `undefined` where there is none. Node stops at the first bad one and says nothing:
 * every server certificate would then look like a stranger's.
 */
export async function readableCertificates(pem: string | Buffer): Promise<string | undefined> {
  const { X509Certificate } = await import('node:crypto');
  const readable = (pem.toString('latin1').match(CERTIFICATE) ?? []).flatMap((certificate) => {
    try {
      return new X509Certificate(certificate).toString();
    } catch {
      // As Go does with a bundle: the others count.
      return [];
    }
  });
  return readable.length > 0 ? readable.join('') : undefined;
}
