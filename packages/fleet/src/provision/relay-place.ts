/** What a user is told of the node that carries the session. */
import type { PoolNode } from '../store/pool-node.ts'
import type { RelayPlace } from '../store/session-record.ts'

export function placeAt ({ id, region, ingest, play }: PoolNode): RelayPlace {
  return { instanceId: id, region, ingestHost: ingest.host, ingestPort: ingest.port, playHost: play.host, playPort: play.port }
}
