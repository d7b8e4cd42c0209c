/** Keys of the management API: of each only a digest is kept, so that who reads the file of the relay cannot use one. */

/** `read`: list stream ids. `write`: change them too. `admin`: keys too. */
export const PERMISSIONS = ['read', 'write', 'admin'] as const
export type Permission = typeof PERMISSIONS[number]

export interface AccessKey {
  /** Names the key without being it */
  id: string
  name: string
  /** The highest one counts */
  permissions: Permission[]
  /** SHA-256 of the key, hex. A slow hash would gain nothing: a key is 256 random bits, and cannot be found by trying */
  digest: string
  createdAtMs: number
}

export interface KeyTableInit {
  /** Most keys; one more is refused @default 256 */
  maxKeys?: number
}

export const MAX_KEY_NAME_CHARACTERS = 128

export class KeyTable {
  readonly maxKeys: number
  private readonly byDigest = new Map<string, AccessKey>()

  constructor (init: KeyTableInit = {}) {
    this.maxKeys = init.maxKeys ?? 256
  }

  get size (): number {
    return this.byDigest.size
  }

  get isFull (): boolean {
    return this.byDigest.size >= this.maxKeys
  }

  /** Whether somebody is left who can make keys, when the key of that id is gone. */
  hasAdminWithout (id: string | undefined): boolean {
    return this.entries().some(key => key.id !== id && key.permissions.includes('admin'))
  }

  /** `false` when the table is full. */
  add (key: AccessKey): boolean {
    if (this.isFull && !this.byDigest.has(key.digest)) {
      return false
    }
    this.byDigest.set(key.digest, key)
    return true
  }

  remove (id: string): AccessKey | undefined {
    const key = this.entries().find(key => key.id === id)
    if (key !== undefined) {
      this.byDigest.delete(key.digest)
    }
    return key
  }

  /** The time that this takes tells something of a digest, of which nobody gets nearer to a key. */
  find (digest: string): AccessKey | undefined {
    return this.byDigest.get(digest)
  }

  entries (): AccessKey[] {
    return [...this.byDigest.values()]
  }
}

export function isPermitted (key: AccessKey, wanted: Permission): boolean {
  return key.permissions.some(permission => PERMISSIONS.indexOf(permission) >= PERMISSIONS.indexOf(wanted))
}

/** Permissions as they come from outside: a list of them, or one. */
export function readPermissions (value: unknown): Permission[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.length <= PERMISSIONS.length && list.every(isPermission) ? [...new Set(list)] : undefined
}

function isPermission (value: unknown): value is Permission {
  return (PERMISSIONS as readonly unknown[]).includes(value)
}
