/** Lets the streams of sessions in at the media relay of a super-node: the token of a session is a stream id of the relay. */
import type { StreamPlace } from '@skein/records'
import type { SessionIngest } from '@skein/supernode/libp2p'

/** Of a media relay: who may publish and play. */
export interface SessionStreamBook {
  addStream: (entry: { publisher: string, player: string, description: string }) => Promise<unknown>
  /** By the id of those that play */
  removeStream: (player: string) => Promise<unknown>
}

export interface SessionStreamsInit extends Pick<SessionIngest, 'capacity' | 'leaseMs' | 'maxPerOwner' | 'maxPerNetwork'> {
  book: SessionStreamBook
  /** Where others dial this node, multiaddr texts, best first; media ports are at the first host */
  addresses: () => readonly string[]
  /** UDP ports of encoders and of players */
  ports: () => { srtlaPort: number, playerPort: number }
}

export function sessionStreams ({ book, addresses, ports, ...init }: SessionStreamsInit): SessionIngest {
  /** By session; as many as there are places */
  const tokens = new Map<string, string>()
  const remove = async (sessionId: string): Promise<void> => {
    const token = tokens.get(sessionId)
    if (token !== undefined) {
      tokens.delete(sessionId)
      await book.removeStream(playerOf(token))
    }
  }
  return {
    ...init,
    place: () => mediaPlace(addresses(), ports()),
    admit: async ({ sessionId, streamToken }) => {
      if (tokens.get(sessionId) !== streamToken) {
        await remove(sessionId)
        await book.addStream({ publisher: `live_${streamToken}`, player: playerOf(streamToken), description: sessionId })
        tokens.set(sessionId, streamToken)
      }
    },
    revoke: async ({ sessionId }) => { await remove(sessionId) }
  }
}

function playerOf (streamToken: string): string {
  return `play_${streamToken}`
}

function mediaPlace (
  addresses: readonly string[], { srtlaPort, playerPort }: { srtlaPort: number, playerPort: number }
): Omit<StreamPlace, 'region'> | undefined {
  const direct = addresses.find(address => !address.includes('/p2p-circuit'))
  const [, host] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\//.exec(direct ?? '') ?? []
  return host === undefined ? undefined : { ingestHost: host, ingestPort: srtlaPort, playHost: host, playPort: playerPort }
}
