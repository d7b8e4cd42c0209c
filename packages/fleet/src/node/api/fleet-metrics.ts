/**
 * What Prometheus is told of the fleet at each scrape: read from the store, the same from every control plane; and of the streams that nodes carry,
 * from the one that watches.
 */
import { Gauge, Registry } from 'prom-client'
import { isLost } from '../../store/pool-node.ts'
import { monthOf, msToMonthEnd } from '../../session/fleet-time.ts'
import { budgetOf } from '../../watch/node-health.ts'
import type { ApiParts } from './api-parts.ts'

export async function fleetMetrics (
  { store, time, lastStatistics }: Pick<ApiParts, 'store' | 'time' | 'lastStatistics'>
): Promise<{ text: string, contentType: string }> {
  const registry = new Registry()
  const gauge = (name: string, help: string): Gauge<string> =>
    new Gauge({ name: `skein_fleet_${name}`, help, labelNames: ['node'], registers: [registry] })
  const used = gauge('node_used_places', 'Places of the node that are taken')
  const capacity = gauge('node_places', 'Places of the node')
  const health = gauge('node_health_ratio', 'Health of the node, 0 to 1')
  const up = gauge('node_up', '1 when the node answers, 0 when it is lost')
  const bytes = gauge('node_month_bytes', 'Bytes in and out in this calendar month, UTC')
  const limit = gauge('node_month_limit_bytes', 'Bytes that the node may carry in a calendar month')
  const safe = gauge('node_safe_bytes_per_second', 'What the node may carry on average to the end of the month')
  const live = gauge('node_live_streams', 'Streams that somebody sends to the node')
  const links = gauge('node_links', 'Links by which those come')
  const loss = gauge('node_loss_ratio', 'Lost of what comes to the node, 0 to 1')
  const processor = gauge('node_cpu_ratio', 'Of the node\'s processors, 0 to 1')
  const memory = gauge('node_memory_ratio', 'Of the memory that the node may take, 0 to 1')
  const sessions = new Gauge({
    name: 'skein_fleet_sessions', help: 'Sessions by state; ended ones of a day', labelNames: ['state'], registers: [registry]
  })
  for (const [state, count] of Object.entries(await store.countSessions())) {
    sessions.set({ state }, count)
  }
  for (const node of await store.nodes()) {
    if (node.owner !== undefined) {
      continue // whose users name them: as many labels as they like
    }
    const labels = { node: node.id }
    used.set(labels, node.used)
    capacity.set(labels, node.capacity)
    health.set(labels, node.health / 100)
    up.set(labels, isLost(node) ? 0 : 1)
    bytes.set(labels, node.month === monthOf(time.nowMs()) ? node.monthBytes : 0)
    if (node.monthLimitBytes !== undefined) {
      limit.set(labels, node.monthLimitBytes)
      const usedBytes = node.month === monthOf(time.nowMs()) ? node.monthBytes : 0
      safe.set(labels, (budgetOf(node.monthLimitBytes, usedBytes, msToMonthEnd(time.nowMs())).safeBps ?? 0) / 8)
    }
    const figures = lastStatistics(node)
    if (figures !== undefined) {
      const streams = figures.streams.filter(stream => stream.live)
      live.set(labels, streams.length)
      links.set(labels, streams.reduce((sum, stream) => sum + stream.links.length, 0))
      loss.set(labels, figures.lossShare)
      processor.set(labels, figures.cpuShare)
      memory.set(labels, figures.memoryShare)
    }
  }
  return { text: await registry.metrics(), contentType: registry.contentType }
}
