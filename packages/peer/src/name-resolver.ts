/** Looks up the DNS records by which seeds are named; each platform has its own way. */

/** The fields of RFC 2782. */
export interface SrvRecord {
  target: string
  port: number
  /** The lowest is tried first */
  priority: number
  /** Among those of one priority, its share */
  weight: number
}

export interface NameAnswer<T> {
  records: T[]
  /** How long the answer holds; `undefined` where the resolver does not tell */
  ttlMs?: number
}

/** Both throw `SeedNameError`. */
export interface NameResolver {
  /** Each record put together from its pieces */
  txt (name: string, signal: AbortSignal): Promise<NameAnswer<string>>
  srv (name: string, signal: AbortSignal): Promise<NameAnswer<SrvRecord>>
}
