/** The signatures of devices: Ed25519 over text, keys and signatures in hexadecimal. */
import { createPublicKey, verify } from 'node:crypto'

/** `false` for a key or a signature that is none. About 100 µs, so callers limit how often. */
export function verifyDeviceSignature (publicKey: string, text: string, signature: string): boolean {
  try {
    const x = Buffer.from(publicKey, 'hex').toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, Buffer.from(text), key, Buffer.from(signature, 'hex'))
  } catch {
    return false
  }
}
