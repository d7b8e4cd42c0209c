/** Where a stream is sent to or fetched from now: a place, and the id that it is known by there. */
import type { SessionView } from '../client/fleet-connection.ts'

export interface StreamTarget {
  /** Of the node */
  instanceId: string
  region: string
  host: string
  port: number
  streamId: string
}

/** Where an encoder sends to; `undefined` while there is no place. */
export function ingestTarget (session: SessionView | undefined): StreamTarget | undefined {
  const place = session?.place
  return session === undefined || place === undefined
    ? undefined
    : { instanceId: place.instanceId, region: place.region, host: place.ingestHost, port: place.ingestPort, streamId: session.publishId }
}

/** Where a player calls; `undefined` while there is no place. */
export function playTarget (session: SessionView | undefined): StreamTarget | undefined {
  const place = session?.place
  return session === undefined || place === undefined
    ? undefined
    : { instanceId: place.instanceId, region: place.region, host: place.playHost, port: place.playPort, streamId: session.playId }
}

/** The same for the same target. It tells the stream id, which is a secret. */
export function targetKey ({ instanceId, host, port, streamId }: StreamTarget): string {
  return `${instanceId} ${host} ${port} ${streamId}`
}
