/** A node's line to the network: so many bytes a second, and a queue before it that holds so many. One of a few numbers for each node. */

export interface AccessLinkInit {
  nodes: number
  /** Of each node's line, bytes per second. `Infinity`: no queue */
  bytesPerSecond: (node: number) => number
  /** What a full queue takes to drain, ms: what comes when it is full is lost */
  maxQueueMs: number
}

export class AccessLink {
  private readonly bytesPerMs: Float64Array
  private readonly busyUntilMs: Float64Array
  private readonly maxQueueMs: number

  constructor (init: AccessLinkInit) {
    this.bytesPerMs = Float64Array.from({ length: init.nodes }, (_, node) => init.bytesPerSecond(node) / 1000)
    this.busyUntilMs = new Float64Array(init.nodes)
    this.maxQueueMs = init.maxQueueMs
  }

  /** How long bytes that come now take, waiting and passing; `undefined` when the queue is full. Called in the order in which they come. */
  pass (node: number, bytes: number, nowMs: number): number | undefined {
    const startMs = Math.max(nowMs, this.busyUntilMs[node] as number)
    if (startMs - nowMs > this.maxQueueMs) {
      return undefined
    }
    const endMs = startMs + bytes / (this.bytesPerMs[node] as number)
    this.busyUntilMs[node] = endMs
    return endMs - nowMs
  }
}
