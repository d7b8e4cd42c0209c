/** SRT's settings for a publisher behind SRTLA, whose packets come over several links: out of order by as much as the links are unequally slow. */
import type { ConnectionOptions } from '@skein/srt'
import type { CallerInfo } from '@skein/srt/node'

/** A gap is reported as a loss after so many packets, and not before so long, or packets of a slow link are asked for again and again. */
const LOSS_MAX_TTL_PACKETS = 40
const LOSS_REPORT_DELAY_MS = 250
/** For a loss that is reported late, and one more round trip over a slow link. */
const LEAST_LATENCY_MS = 1_000

/**
 * The options for a caller that is one of the SRTLA receiver's groups: it calls from this machine, with a stream id that came over links.
 *
 * @param host - the address at which the receiver calls, and so from which
 * @param groups - those of the receiver, which has read the same handshake on its way here
 */
export function bondedOptions (
  caller: Pick<CallerInfo, 'address' | 'streamId'>, host: string, groups: Iterable<{ streamId?: string }>, latencyMs = 0
): ConnectionOptions | undefined {
  for (const { streamId } of groups) {
    if (caller.address === host && streamId === caller.streamId) {
      return {
        latencyMs: Math.max(latencyMs, LEAST_LATENCY_MS),
        lossMaxTtlPackets: LOSS_MAX_TTL_PACKETS,
        lossReportDelayMs: LOSS_REPORT_DELAY_MS
      }
    }
  }
  return undefined
}
