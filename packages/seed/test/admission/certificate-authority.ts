/** An authority of X.509 certificates in a folder, run with OpenSSL as the operating guide tells an operator to. */
import { execFile } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PrivateKey } from '@libp2p/interface'

const run = promisify(execFile)

/** As OpenSSL wants it for revocation lists. */
const CONFIG = `
[ca]
default_ca = skein
[skein]
database = index.txt
crlnumber = crlnumber
default_md = default
default_crl_days = 30
`

export class CertificateAuthority {
  readonly folder: string

  private constructor (folder: string) {
    this.folder = folder
  }

  static async open (key = ['-algorithm', 'ed25519']): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(await mkdtemp(join(tmpdir(), 'skein-ca-')))
    await writeFile(authority.path('ca.conf'), CONFIG)
    await writeFile(authority.path('index.txt'), '')
    await writeFile(authority.path('crlnumber'), '01\n')
    await authority.openssl('genpkey', ...key, '-out', 'ca.key')
    await authority.openssl('req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=Example authority', '-days', '3650', '-out', 'ca.pem')
    return authority
  }

  path (name: string): string {
    return join(this.folder, name)
  }

  /** Certifies the key of a peer, or any; the file of its certificate. */
  async certify (name: string, pem: string, options: string[] = ['-days', '30'], issuer = 'ca'): Promise<string> {
    await writeFile(this.path(`${name}.pub`), pem)
    await this.openssl('x509', '-new', '-force_pubkey', `${name}.pub`, '-subj', `/CN=${name}`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`,
      ...options, '-out', `${name}.pem`)
    return this.path(`${name}.pem`)
  }

  async revoke (...names: string[]): Promise<void> {
    for (const name of names) {
      await this.openssl('ca', '-config', 'ca.conf', '-keyfile', 'ca.key', '-cert', 'ca.pem', '-revoke', `${name}.pem`)
    }
    await this.openssl('ca', '-config', 'ca.conf', '-keyfile', 'ca.key', '-cert', 'ca.pem', '-gencrl', '-out', 'crl.pem')
  }

  async openssl (...args: string[]): Promise<void> {
    await run('openssl', args, { cwd: this.folder })
  }

  async close (): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}

/** What `skein credential key --pem` prints. */
export function publicPem ({ publicKey }: PrivateKey): string {
  const bytes = Buffer.from(publicKey.raw)
  const key = publicKey.type === 'Ed25519'
    ? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' })
    // RFC 5480: id-ecPublicKey, secp256k1, the compressed point
    : createPublicKey({
      key: Buffer.concat([Buffer.from('3036301006072a8648ce3d020106052b8104000a032200', 'hex'), bytes]), format: 'der', type: 'spki'
    })
  return key.export({ format: 'pem', type: 'spki' }).toString()
}
