/**
 * Which ways can bring two peers together, by what is known of their NATs: a pure table, from measurements between network namespaces with NATs of
 * each kind. Ways that cannot work are not tried: they cost seconds, and a dial that fails leaves a trace in both NATs that spoils the next.
 */
import { isOpenCone } from './open-cone.ts'
import type { NatVerdict } from './nat-verdict.ts'

/**
 * - `dial`: this peer dials an address of the other
 * - `reverse`: the other one is asked, through the relay, to dial this peer
 * - `tcp-punch`: both dial at the same time (TCP simultaneous open, RFC 9293, §3.5)
 * - `webrtc`: ICE over UDP, with signals through the relay
 */
export type DirectWay = 'dial' | 'reverse' | 'tcp-punch' | 'webrtc'

/** What one side of a pair can do. */
export interface Reach {
  /** Others can dial it: verified by a dial-back, or it is known to have a public address or a mapped port */
  dialable: boolean
  /** It can dial out over TCP; a browser cannot */
  tcp: boolean
  /** It speaks WebRTC */
  webrtc: boolean
  /** It has a TURN server for WebRTC, which carries the bytes where no way is found: one side with such is enough @default false */
  turn?: boolean
  /** Left out while unknown */
  nat?: NatVerdict
}

/**
 * A NAT keeps the port of a TCP connection from the inside (most do), or it does not: a mapping that differs by destination cannot be met, unless the
 * other side lets everybody in; or it gives the next port each time, and the other side has one mapping for all guesses that it is told.
 */
function canTcpPunch (a: NatVerdict | undefined, b: NatVerdict | undefined): boolean {
  const symmetric = [a, b].filter(nat => nat?.mapping === 'sequential' || nat?.mapping === 'random')
  return isOpenCone(a) || isOpenCone(b) || symmetric.length === 0 || (symmetric.length === 1 && symmetric[0]?.mapping === 'sequential')
}

/**
 * ICE checks pairs from both sides, those of a TURN server among them. Without such a server, one side with a mapping for each destination is met
 * only where the other lets any port of its address in, which may be so while it is not known.
 */
function canWebRtc (a: NatVerdict | undefined, b: NatVerdict | undefined, turn: boolean): boolean {
  if (a?.mapping === 'blocked' || b?.mapping === 'blocked') {
    return false
  }
  const symmetric = [a, b].filter(nat => nat?.mapping === 'sequential' || nat?.mapping === 'random')
  if (turn || symmetric.length === 0) {
    return true
  }
  const other = symmetric[0] === a ? b : a
  return symmetric.length === 1 && (other?.mapping === 'none' || other?.filtering !== 'port')
}

/**
 * In the order in which to try them: what costs least and lasts longest first. Empty: a relay it is. That a side is dialable does not mean that this
 * other side can dial it: the address may be of IPv6, or a firewall may be in between; the ways that need no such address come after it.
 */
export function pairWays (self: Reach, other: Reach): DirectWay[] {
  const ways: Array<[way: DirectWay, can: boolean]> = [
    ['dial', other.dialable],
    ['reverse', self.dialable],
    // after a dial too: an address of IPv6 is dialable, and not for those who have none
    ['tcp-punch', self.tcp && other.tcp && canTcpPunch(self.nat, other.nat)],
    ['webrtc', self.webrtc && other.webrtc && canWebRtc(self.nat, other.nat, self.turn === true || other.turn === true)]
  ]
  return ways.filter(([, can]) => can).map(([way]) => way)
}

/** Whether the same ways come of both. */
export function isSameReach (a: Reach, b: Reach): boolean {
  return a.dialable === b.dialable && a.tcp === b.tcp && a.webrtc === b.webrtc && a.turn === b.turn &&
    a.nat?.mapping === b.nat?.mapping && a.nat?.filtering === b.nat?.filtering
}
