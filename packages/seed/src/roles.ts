/** What a seed does for peers: each role can be on or off by itself, at least one is on. */

export const SEED_ROLES = ['discover', 'signal', 'relay', 'bootstrap'] as const

/**
 * - `discover`: answers who serves what, and which models there are
 * - `signal`: passes offers, answers and candidates on
 * - `relay`: carries circuits to peers that cannot be dialled
 * - `bootstrap`: names other peers to newcomers
 */
export type SeedRole = typeof SEED_ROLES[number]

/** Of a seed within a program: what costs traffic is asked for. `skein seed` relays too. */
export const DEFAULT_SEED_ROLES: readonly SeedRole[] = ['discover', 'signal', 'bootstrap']

/** All but relaying live on knowing who is here. A seed that relays alone refuses registrations with `not_here`, so that nobody relies on them. */
export function takesRegistrations (roles: readonly SeedRole[]): boolean {
  return roles.some(role => role !== 'relay')
}
