/** Who this page is connected to, in words for a person. */
import type { Peer } from '@skein/peer'

export interface ConnectionRow {
  name: string
  /** The whole id, and why the path is what it is */
  title: string
  path: string
}

/** The end of a peer id: all begin alike. */
export function shortName (peer: string): string {
  return `…${peer.slice(-6)}`
}

export function connectionRows (peer: Peer): ConnectionRow[] {
  return peer.paths.flatMap(({ peer: id, path, why }) => path === undefined ? [] : [{ name: shortName(id), title: `${id}\n${why}`, path }])
}
