/** Continuity of a recorded MPEG transport stream (ISO/IEC 13818-1, 2.4.3.3): each packet with a payload counts one further than the last of its PID. */

const PACKET_BYTES = 188
const SYNC = 0x47
const STUFFING_PID = 0x1fff

export function transportGaps (bytes: Uint8Array): { packets: number, gaps: number } {
  const counters = new Map<number, number>()
  let gaps = 0
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    const [sync, high = 0, low = 0, flags = 0] = bytes.subarray(at, at + 4)
    const pid = (high & 0x1f) << 8 | low
    if (sync !== SYNC) {
      gaps++
    } else if (pid !== STUFFING_PID && (flags & 0x10) !== 0) {
      const before = counters.get(pid)
      gaps += before === undefined || (flags & 0x0f) === ((before + 1) & 0x0f) ? 0 : 1
      counters.set(pid, flags & 0x0f)
    }
  }
  return { packets: Math.ceil(bytes.length / PACKET_BYTES), gaps }
}
