/** The files of an authority of certificates: its certificates in PEM, and its revocation lists (RFC 5280, section 5) in PEM or DER. */
import { verify, X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { CertificateList } from '@peculiar/asn1-x509'
import { certificateKey } from './certificate-chain.ts'
import type { CertificateKey } from './certificate-chain.ts'

/** A file of certificates or of revocations is not what it has to be; it is not used. */
export class CertificateFileError extends Error {
  static override name = 'CertificateFileError'
  override readonly name = 'CertificateFileError'
}

/** The digest that a signature's algorithm has, by its identifier. */
const DIGESTS: Partial<Record<string, string | null>> = {
  '1.3.101.112': null, // Ed25519
  '1.3.101.113': null, // Ed448
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512'
}

/** @throws {CertificateFileError} */
export function readAuthorities (text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) {
    throw new CertificateFileError('There is no certificate of an authority in the file; expected "BEGIN CERTIFICATE" blocks')
  }
  return blocks.map((block, i) => {
    let certificate: X509Certificate
    try {
      certificate = new X509Certificate(block)
    } catch (cause) {
      throw new CertificateFileError(`Certificate ${i + 1} of the file cannot be read: ${(cause as Error).message}`, { cause })
    }
    if (!certificate.ca) {
      throw new CertificateFileError(`Certificate ${i + 1} of the file is not of an authority (its basic constraints do not say CA)`)
    }
    return certificate
  })
}

export interface Revocations {
  revoked: Set<CertificateKey>
  /** When the first of the lists should have been replaced, ms since the Unix epoch; what it says counts all the same */
  nextUpdateMs?: number
}

/**
 * @param authorities who may revoke; a list of anybody else is an error, for it would do nothing
 * @throws {CertificateFileError}
 */
export function readRevocations (bytes: Buffer, authorities: readonly X509Certificate[]): Revocations {
  const blocks = bytes.toString('latin1').match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g)
  const lists = blocks === null ? [bytes] : blocks.map(block => Buffer.from(block.replace(/-----[^-]*-----/g, ''), 'base64'))
  const revoked = new Set<CertificateKey>()
  let nextUpdateMs: number | undefined
  for (const der of lists) {
    const { list, issuer } = verified(der, authorities)
    for (const { userCertificate } of list.tbsCertList.revokedCertificates ?? []) {
      revoked.add(certificateKey(issuer, Buffer.from(userCertificate).toString('hex')))
    }
    const next = list.tbsCertList.nextUpdate?.getTime().getTime()
    nextUpdateMs = next === undefined ? nextUpdateMs : Math.min(next, nextUpdateMs ?? Infinity)
  }
  return { revoked, nextUpdateMs }
}

function verified (der: Buffer, authorities: readonly X509Certificate[]): { list: CertificateList, issuer: X509Certificate } {
  let list: CertificateList
  try {
    list = AsnConvert.parse(der, CertificateList)
  } catch (cause) {
    throw new CertificateFileError('A list of revoked certificates cannot be read; expected "BEGIN X509 CRL" blocks, or one list in DER', { cause })
  }
  const digest = DIGESTS[list.signatureAlgorithm.algorithm]
  if (digest === undefined || list.tbsCertListRaw === undefined) {
    const { algorithm } = list.signatureAlgorithm
    throw new CertificateFileError(`A list of revoked certificates is signed with an algorithm that is not known here: ${algorithm}`)
  }
  const signed = Buffer.from(list.tbsCertListRaw)
  const issuer = authorities.find(({ publicKey }) => {
    try {
      return verify(digest, signed, publicKey, Buffer.from(list.signature))
    } catch {
      return false // a key of another kind
    }
  })
  if (issuer === undefined) {
    throw new CertificateFileError('A list of revoked certificates is not signed by any authority of this seed')
  }
  return { list, issuer }
}
