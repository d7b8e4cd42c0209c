/** Whether memory is short, by V8's heap: above 70 % of its limit a seed takes nobody new, below 60 % it does again. */
import { getHeapStatistics } from 'node:v8'

export interface HeapReading {
  usedBytes: number
  limitBytes: number
}

const SHED_ABOVE = 0.7
const TAKE_BELOW = 0.6

/** `was`: the verdict before */
export function isHeapShort ({ usedBytes, limitBytes }: HeapReading, was: boolean): boolean {
  return usedBytes > limitBytes * (was ? TAKE_BELOW : SHED_ABOVE)
}

export function readHeap (): HeapReading {
  const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics()
  return { usedBytes, limitBytes }
}
