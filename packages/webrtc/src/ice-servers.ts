/** The STUN and TURN servers of an ICE agent, from addresses as peers tell them: a pure function. */

export interface TurnServer {
  /** `turn:turn.example.org:3478`, `turns:…`, also with `?transport=tcp` (RFC 7065) */
  url: string
  username: string
  credential: string
}

/** More make a browser complain, and gathering slow. */
const MAX_STUN_SERVERS = 3
const STUN_ADDRESS = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/udp\/(\d+)$/

/** @param stun multiaddr texts such as `/ip4/192.0.2.1/udp/3478`; others are passed over */
export function iceServers (stun: readonly string[], turn: readonly TurnServer[]): RTCIceServer[] {
  const urls = stun.flatMap(address => {
    const [, host, port] = STUN_ADDRESS.exec(address) ?? []
    return host === undefined ? [] : [`stun:${host.includes(':') ? `[${host}]` : host}:${port}`]
  })
  return [
    ...urls.slice(0, MAX_STUN_SERVERS).map(urls => ({ urls })),
    ...turn.map(({ url, username, credential }) => ({ urls: url, username, credential }))
  ]
}
