/**
 * Whether a chain of X.509 certificates (RFC 5280) vouches for a peer: the first has the peer's own key, which the handshake has shown it to own, so
 * that there is nothing besides to sign or to steal; the others lead to an authority that the operator names.
 */
import { X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { BasicConstraints, Certificate, id_ce_basicConstraints, id_ce_extKeyUsage, id_ce_keyUsage } from '@peculiar/asn1-x509'
import { publicKeyFromProtobuf, publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { KeyObject } from 'node:crypto'

/** `issuer:serial`, by which revocation lists name a certificate. */
export type CertificateKey = string

export type ChainVerdict =
  /** `keys`: of the peer's certificate and those above it, without the authority's; `authority`: fingerprint */
  | { valid: true, untilMs: number, keys: CertificateKey[], authority: string }
  | { valid: false, problem: 'invalid' | 'expired' | 'unknown_authority', message: string }

const KNOWN_EXTENSIONS = [id_ce_basicConstraints, id_ce_keyUsage, id_ce_extKeyUsage]

/** @param chain in DER, the peer's first; the others in any order */
export function judgeChain (peer: string, chain: readonly Uint8Array[], authorities: readonly X509Certificate[], nowMs: number): ChainVerdict {
  let certificates: X509Certificate[]
  try {
    certificates = chain.map(der => new X509Certificate(der))
  } catch (error) {
    return refused('invalid', `A certificate cannot be read: ${(error as Error).message}`)
  }
  const [own, ...between] = certificates
  if (own === undefined || peerOf(own.publicKey) !== peer) {
    return refused('invalid', 'The first certificate is not for the key of this peer: skein credential key prints what the authority has to certify')
  }
  const path = pathOf(own, between, authorities)
  if (path === undefined) {
    return refused('unknown_authority', `The certificate was issued by ${oneLine(own.issuer)}, and does not lead to an authority of this seed`)
  }
  for (const [i, certificate] of path.entries()) {
    const { from, until } = validity(certificate)
    if (nowMs < from || nowMs >= until) {
      return refused('expired', `The certificate of ${oneLine(certificate.subject)} is valid from ${certificate.validFrom} to ${certificate.validTo}`)
    }
    const problem = extensionProblem(certificate, i)
    if (problem !== undefined) {
      return refused('invalid', `The certificate of ${oneLine(certificate.subject)} ${problem}`)
    }
  }
  const keys = path.slice(0, -1).map((certificate, i) => certificateKey(path[i + 1] as X509Certificate, certificate.serialNumber))
  return { valid: true, untilMs: Math.min(...path.map(one => validity(one).until)), keys, authority: authorityOf(path.at(-1) as X509Certificate) }
}

/** The peer whose identity has this key; `undefined` when no identity can. */
export function peerOf (key: KeyObject): string | undefined {
  try {
    const jwk = key.export({ format: 'jwk' })
    const x = Buffer.from(jwk.x ?? '', 'base64url')
    if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
      return peerIdFromPublicKey(publicKeyFromRaw(Uint8Array.from(x))).toString()
    }
    if (jwk.kty === 'EC' && jwk.crv === 'secp256k1') {
      const y = Buffer.from(jwk.y ?? '', 'base64url')
      return peerIdFromPublicKey(publicKeyFromRaw(Uint8Array.of(2 + ((y.at(-1) ?? 0) & 1), ...x))).toString()
    }
    // the public key's protobuf (libp2p peer ids specification): type, and PKIX in DER
    const der = key.export({ format: 'der', type: 'spki' })
    const length = der.length < 128 ? [der.length] : [der.length & 127 | 128, der.length >> 7]
    return peerIdFromPublicKey(publicKeyFromProtobuf(Uint8Array.of(8, jwk.kty === 'RSA' ? 0 : 3, 18, ...length, ...der))).toString()
  } catch {
    return undefined
  }
}

/** What a revocation list of `issuer` names a certificate by; the issuer's fingerprint is cut, for many of these are remembered. */
export function certificateKey (issuer: X509Certificate, serialNumber: string): CertificateKey {
  return `${authorityOf(issuer)}:${serialNumber.toLowerCase().replace(/^0+(?=.)/, '')}`
}

export function authorityOf (certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').slice(0, 32).toLowerCase()
}

function pathOf (
  from: X509Certificate, between: readonly X509Certificate[], authorities: readonly X509Certificate[]
): X509Certificate[] | undefined {
  const authority = authorities.find(one => isIssuer(one, from))
  if (authority !== undefined) {
    return [from, authority]
  }
  for (const next of between) {
    const path = isIssuer(next, from) ? pathOf(next, between.filter(one => one !== next), authorities) : undefined
    if (path !== undefined) {
      return [from, ...path]
    }
  }
  return undefined
}

function isIssuer (issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    return false
  }
}

/** What Node does not look at: how many may come below, and what must not be passed over. `below` certificates come between it and none. */
function extensionProblem (certificate: X509Certificate, below: number): string | undefined {
  const { tbsCertificate: { extensions = [] } } = AsnConvert.parse(certificate.raw, Certificate)
  const unknown = extensions.find(({ critical, extnID }) => critical && !KNOWN_EXTENSIONS.includes(extnID))
  if (unknown !== undefined) {
    return `has the critical extension ${unknown.extnID}, which is not known here`
  }
  const constraints = extensions.find(({ extnID }) => extnID === id_ce_basicConstraints)
  const longest = constraints && AsnConvert.parse(constraints.extnValue, BasicConstraints).pathLenConstraint
  // the peer's own certificate does not count
  return longest !== undefined && below - 1 > longest ? `allows ${longest} certificates between it and a peer's` : undefined
}

function validity ({ validFromDate, validToDate }: X509Certificate): { from: number, until: number } {
  return { from: validFromDate.getTime(), until: validToDate.getTime() }
}

function refused (problem: 'invalid' | 'expired' | 'unknown_authority', message: string): ChainVerdict {
  return { valid: false, problem, message }
}

function oneLine (name: string): string {
  return name.replaceAll('\n', ', ')
}
