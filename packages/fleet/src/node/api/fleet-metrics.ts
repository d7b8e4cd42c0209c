/** What Prometheus is told of the fleet, read from the store at each scrape: the same from every control plane. */
import { Gauge, Registry } from 'prom-client'
import { isLost } from '../../store/pool-node.ts'
import { monthOf } from '../../session/fleet-time.ts'
import type { FleetTime } from '../../session/fleet-time.ts'
import type { FleetStore } from '../../store/fleet-store.ts'

export async function fleetMetrics (store: FleetStore, time: FleetTime): Promise<{ text: string, contentType: string }> {
  const registry = new Registry()
  const gauge = (name: string, help: string): Gauge<string> =>
    new Gauge({ name: `skein_fleet_${name}`, help, labelNames: ['node'], registers: [registry] })
  const used = gauge('node_used_places', 'Places of the node that are taken')
  const capacity = gauge('node_places', 'Places of the node')
  const health = gauge('node_health_ratio', 'Health of the node, 0 to 1')
  const up = gauge('node_up', '1 when the node answers, 0 when it is lost')
  const bytes = gauge('node_month_bytes', 'Bytes in and out in this calendar month, UTC')
  const limit = gauge('node_month_limit_bytes', 'Bytes that the node may carry in a calendar month')
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
    }
  }
  return { text: await registry.metrics(), contentType: registry.contentType }
}
