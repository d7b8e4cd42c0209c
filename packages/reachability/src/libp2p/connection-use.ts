/** Whether something goes over a connection but what the mesh keeps open on any. */
import type { Connection } from '@libp2p/interface'

/** What a relayed connection keeps open by itself: streams of these protocols are no use of it. */
const KEPT_OPEN = /^\/(meshsub|floodsub|ipfs\/(id|ping)|skein\/(kad|routing|clusters|coordinates|pex|signal))\b/

export function isUsed (connection: Connection): boolean {
  return connection.streams.some(({ protocol }) => protocol !== undefined && !KEPT_OPEN.test(protocol))
}
