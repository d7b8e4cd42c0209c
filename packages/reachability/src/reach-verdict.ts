/** In which way others reach a peer, in one word. */

/**
 * - `direct`: others dial it
 * - `punched`: others reach it through its router, which a relay helps with at the start
 * - `relayed`: others reach it through relays alone
 * - `unverified`: it is in a mesh, and nobody from outside could say whether it can be dialled
 * - `unreachable`: nobody reaches it; it may reach others
 */
export type ReachVerdict = 'direct' | 'punched' | 'relayed' | 'unverified' | 'unreachable'
